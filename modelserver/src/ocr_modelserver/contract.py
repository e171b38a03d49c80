"""The two models that clients see, and how their tensors become images and documents become tensors.

`ocr` takes `image` (BYTES [n], encoded files, or UINT8 [h, w, 3], one page of raw RGB) and gives `text` and
`result`. `ocr-model` is the older contract: one BYTES input of any name, and `output-0`, the text.
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ocr_modelserver.decode import Sheet, Source, sheets
from ocr_modelserver.errors import ServiceError, as_service_error
from ocr_wire.oip import InferRequest, InferResponse, Tensor, bytes_tensor
from ocr_wire.raster import ImageProblem, Limits
from ocr_wire.result import Document

MAX_IMAGES = 16
VERSION = "1"
_RGB = 3

Render = Callable[[Document], bytes]


@dataclass(frozen=True, slots=True)
class Contract:
    """One model name: its input (None: any name), whether raw pixels are taken, and its outputs."""

    name: str
    input: str | None
    takes_pixels: bool
    outputs: Mapping[str, Render]

    def metadata(self) -> dict[str, object]:
        """The model's description, as the protocol asks for it."""
        inputs = [{"name": self.input or "input-0", "datatype": "BYTES", "shape": [-1]}]
        if self.takes_pixels:
            inputs.append({"name": self.input or "input-0", "datatype": "UINT8", "shape": [-1, -1, _RGB]})
        outputs = [{"name": name, "datatype": "BYTES", "shape": [-1]} for name in self.outputs]
        return {
            "name": self.name,
            "versions": [VERSION],
            "platform": "onnxruntime",
            "inputs": inputs,
            "outputs": outputs,
        }

    def images(self, request: InferRequest, limits: Limits) -> list[list[Sheet]]:
        """The pages of each image of a request, held against the limits by their headers.

        Raises:
            ServiceError: the request does not fit the model, or an image breaks a limit.
        """
        if unknown := [output.name for output in request.outputs if output.name not in self.outputs]:
            raise ServiceError(
                "invalid_request",
                f"model {self.name} has no output {unknown[0]!r}; it has {', '.join(self.outputs)}",
            )
        if len(request.inputs) != 1 or self.input not in {None, request.inputs[0].name}:
            raise ServiceError(
                "invalid_request", f"model {self.name} takes one input, {self.input or 'of any name'}"
            )
        tensor = request.inputs[0]
        if isinstance(tensor.data, tuple):
            return _files(tensor, limits)
        if self.takes_pixels and tensor.datatype == "UINT8":
            return [_page(tensor, limits)]
        raise ServiceError(
            "invalid_request",
            f"input {tensor.name} is {tensor.datatype}; model {self.name} takes BYTES [n] (image files)"
            + (" or UINT8 [height, width, 3] (one page of RGB)" if self.takes_pixels else ""),
        )

    def response(self, request: InferRequest, documents: list[Document]) -> InferResponse:
        """The selected outputs, all of them when none is selected, one element an image."""
        names = [output.name for output in request.outputs] or list(self.outputs)
        outputs = tuple(
            bytes_tensor(
                name,
                tuple(self.outputs[name](document) for document in documents),
                binary=request.wants_binary(name),
            )
            for name in dict.fromkeys(names)
        )
        return InferResponse(self.name, outputs, model_version=VERSION, id=request.id)


def place_of(number: int, images: int) -> str:
    """How a refusal begins that is about one image, counted from 1, of so many."""
    return f"Image {number}: " if images > 1 else ""


def _text(document: Document) -> bytes:
    return document.text.encode()


def _result(document: Document) -> bytes:
    return document.model_dump_json().encode()


CONTRACTS: Mapping[str, Contract] = {
    contract.name: contract
    for contract in (
        Contract("ocr", "image", takes_pixels=True, outputs={"text": _text, "result": _result}),
        Contract("ocr-model", None, takes_pixels=False, outputs={"output-0": _text}),
    )
}


def _files(tensor: Tensor, limits: Limits) -> list[list[Sheet]]:
    if not 1 <= len(tensor.data) <= MAX_IMAGES:
        raise ServiceError(
            "invalid_request",
            f"input {tensor.name} has {len(tensor.data)} images; send 1 to {MAX_IMAGES} a request",
            limit=MAX_IMAGES,
            actual=len(tensor.data),
        )
    images = []
    for number, element in enumerate(tensor.data, 1):
        place = place_of(number, len(tensor.data))
        content = element if tensor.binary else _base64(element, place)
        images.append(_sheets(content, limits, place))
    return images


def _sheets(source: Source, limits: Limits, place: str = "") -> list[Sheet]:
    try:
        return sheets(source, limits)
    except ImageProblem as problem:
        raise as_service_error(problem, place) from problem


def _base64(element: bytes, place: str) -> bytes:
    try:
        return base64.b64decode(element, validate=True)
    except binascii.Error as error:
        raise ServiceError(
            "invalid_request", f"{place}BYTES in JSON has to be an image file in base64: {error}"
        ) from None


def _page(tensor: Tensor, limits: Limits) -> list[Sheet]:
    pixels = np.asarray(tensor.data)
    if pixels.ndim != _RGB or pixels.shape[2] != _RGB or 0 in pixels.shape:
        raise ServiceError(
            "invalid_request",
            f"input {tensor.name} has shape {list(tensor.shape)}; raw RGB is [height, width, 3]",
        )
    return _sheets(pixels, limits)
