"""ONNX Runtime sessions: one network for detection, one or two for recognition."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
import onnxruntime

from ocr_modelserver.engine.arrays import Floats, Indices
from ocr_modelserver.engine.doubt import Doubt
from ocr_modelserver.engine.graphs import line_network

_Output = TypeVar("_Output")


class Network(Protocol):
    """One input array to one output array; safe to call from several threads."""

    def __call__(self, batch: Floats) -> Floats: ...


class LineNetwork(Protocol):
    """A line (1, 3, 48, w) to the best character of each of its steps (t), and how probable that is (t)."""

    def __call__(self, batch: Floats) -> tuple[Indices, Floats]: ...


@dataclass(frozen=True, slots=True)
class Detector:
    """A network that finds text, (1, 3, h, w), sides multiples of 32, to text probability (1, 1, h, w).

    A page is shown to it with at most `long_side` pixels a side.
    """

    network: Network
    long_side: int


@dataclass(frozen=True, slots=True)
class Recogniser:
    """A network that reads lines; `characters[0]` is the CTC blank."""

    network: LineNetwork
    characters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Second:
    """The recogniser that reads again what the first one has read in doubt."""

    recogniser: Recogniser
    doubt: Doubt


@dataclass(frozen=True, slots=True)
class Networks:
    """What reads a page.

    `recognise` reads every line, `second` those that the first one is not sure of.
    """

    detect: Detector
    recognise: Recogniser
    second: Second | None = None

    @property
    def recognisers(self) -> tuple[Recogniser, ...]:
        """All networks that read lines."""
        return (self.recognise, self.second.recogniser) if self.second else (self.recognise,)


def open_network(content: bytes, threads: int) -> Network:
    """Open an ONNX file of one input and one output; it computes on `threads` threads, the caller's included.

    Raises:
        ValueError: it is no such model.
    """
    session = _open(content, threads)
    name = session.get_inputs()[0].name

    def call(batch: Floats) -> Floats:
        output: Floats = session.run(None, {name: batch})[0]
        return output

    return call


def open_recogniser(content: bytes, characters: bytes | None, wanted: Callable[[str], bool]) -> Recogniser:
    """Open an ONNX file that reads lines; its metadata lists the characters unless they are given.

    A line is computed on the caller's thread: two lines on two threads take less time than each on both.

    Of the characters it reads those that are wanted.

    Raises:
        ValueError: it is no such model.
    """
    graph, kept = line_network(content, characters.decode() if characters else None, wanted)
    session = _open(graph, threads=1)
    name = session.get_inputs()[0].name

    def call(batch: Floats) -> tuple[Indices, Floats]:
        best, probability = session.run(None, {name: batch})
        return best[0], probability[0]

    return Recogniser(call, kept)


def check_shapes(networks: Networks) -> None:
    """Run each network once on a small input: one of another kind is refused before pages come.

    Raises:
        ValueError: it does not take images, or finds no text in them.
    """
    found = _try("detection", networks.detect.network, (1, 3, 64, 64)).shape
    if found != (1, 1, 64, 64):
        raise ValueError(
            f"the detection network makes {found} of an image (1, 3, 64, 64), not (1, 1, 64, 64)"
        )
    for recogniser in networks.recognisers:
        _try("recognition", recogniser.network, (1, 3, 48, 64))


def _try(part: str, network: Callable[[Floats], _Output], shape: tuple[int, ...]) -> _Output:
    try:
        return network(np.zeros(shape, np.float32))
    except Exception as error:  # ONNX Runtime's errors have no common public base
        reason = str(error).splitlines()[0]
        raise ValueError(f"the {part} network takes no image {shape}: {reason}") from error


def _open(content: bytes, threads: int) -> onnxruntime.InferenceSession:
    try:
        return onnxruntime.InferenceSession(content, _options(threads), providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's errors have no common public base
        raise ValueError(f"ONNX Runtime cannot open the model: {error}") from error


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
