"""The pages of a document as they travel to the model servers."""

from collections.abc import Iterator
from dataclasses import dataclass

from ocr_gateway.problems import Problem
from ocr_wire import oip, raster

# Half the sides for a page of more pixels, as the model server does with a file that it decodes itself.
REDUCE_ABOVE = 16_000_000
WANTED = (oip.RequestedOutput("result", {"binary_data": True}),)


@dataclass(frozen=True)
class Sheet:
    """One decoded page on its way; `pixels` of it are held in `message`, of `width` x `height` it had."""

    number: int
    message: oip.Message
    pixels: int
    width: int
    height: int


def inspect(data: bytes, limits: raster.Limits) -> raster.ImageInfo:
    """What the headers say; raises Problem."""
    try:
        return raster.inspect(data, limits)
    except raster.ImageProblem as problem:
        raise _translated(problem) from problem


def whole(data: bytes, request_id: str) -> oip.Message:
    """A file of one page, as it came."""
    return _message(oip.bytes_tensor("image", (data,)), request_id)


def next_sheet(frames: Iterator[raster.Frame], number: int, request_id: str) -> Sheet:
    """Decode the next page of a document; raises Problem with the page's number."""
    try:
        frame = next(frames)
    except raster.ImageProblem as problem:
        raise _translated(problem, number) from problem
    height, width, _ = frame.pixels.shape
    message = _message(oip.Tensor("image", "UINT8", frame.pixels.shape, frame.pixels), request_id)
    return Sheet(number, message, width * height, frame.width, frame.height)


def _message(tensor: oip.Tensor, request_id: str) -> oip.Message:
    return oip.encode_request(oip.InferRequest((tensor,), id=request_id, outputs=WANTED))


def _translated(problem: raster.ImageProblem, page: int | None = None) -> Problem:
    return Problem(problem.code, problem.detail, limit=problem.limit, actual=problem.actual, page=page)
