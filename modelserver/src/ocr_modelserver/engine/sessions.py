"""ONNX Runtime sessions of one model: detection, orientation, recognition."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import onnxruntime

Floats = npt.NDArray[np.float32]


class Network(Protocol):
    """One input array to one output array; safe to call from several threads."""

    def __call__(self, batch: Floats) -> Floats: ...


@dataclass(frozen=True, slots=True)
class Networks:
    """What reads a page.

    `detect`: (1, 3, h, w), sides multiples of 32, to text probability (1, 1, h, w).
    `classify`: (n, 3, 48, 192) to the probabilities (n, 2) of upright and upside down.
    `recognise`: (1, 3, 48, w) to (1, steps, characters) probabilities; `characters[0]` is the CTC blank.
    """

    detect: Network
    classify: Network
    recognise: Network
    characters: tuple[str, ...]


class _OnnxNetwork:
    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        self._session = session
        self._input = session.get_inputs()[0].name

    def __call__(self, batch: Floats) -> Floats:
        output: Floats = self._session.run(None, {self._input: batch})[0]
        return output


def open_networks(detect: bytes, classify: bytes, recognise: bytes, threads: int) -> Networks:
    """Open the three ONNX files; a call computes on `threads` threads, the caller's included.

    Raises:
        ValueError: a file is no model of its kind.
    """
    options = _options(threads)
    reader = _open(recognise, options)
    return Networks(
        detect=_OnnxNetwork(_open(detect, options)),
        classify=_OnnxNetwork(_open(classify, options)),
        recognise=_OnnxNetwork(reader),
        characters=_characters(reader.get_modelmeta().custom_metadata_map),
    )


def _options(threads: int) -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = True
    # Pages differ in size: with the memory pattern on, every new shape adds a plan and memory never settles
    # (onnxruntime#11118).
    options.enable_mem_pattern = False
    # Idle threads that spin take the cores that other sessions and the decoding need (onnxruntime#11841).
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return options


def _open(content: bytes, options: onnxruntime.SessionOptions) -> onnxruntime.InferenceSession:
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's errors have no common public base
        raise ValueError(f"ONNX Runtime cannot open the model: {error}") from error


def _characters(metadata: dict[str, Any]) -> tuple[str, ...]:
    listed = str(metadata.get("character", ""))
    if not listed:
        raise ValueError("the recognition model lists no characters in its metadata")
    # Not splitlines(): the list may hold characters that Unicode takes for line ends.
    return ("", *listed.removesuffix("\n").split("\n"), " ")
