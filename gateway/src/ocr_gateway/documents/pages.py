"""The pages of a document as they travel to the model servers."""

from collections.abc import Iterator
from dataclasses import dataclass

from ocr_gateway.problems import Problem
from ocr_wire import oip, raster
from ocr_wire.result import Line, Page

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
    scale: tuple[float, float]

    def restored(self, page: Page) -> Page:
        """The recognised page in the coordinates of the original."""
        if self.scale == (1.0, 1.0):
            return page
        lines = tuple(_scaled(line, *self.scale) for line in page.lines)
        return page.model_copy(update={"width": self.width, "height": self.height, "lines": lines})


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
    scale = (frame.width / width, frame.height / height)
    return Sheet(number, message, width * height, frame.width, frame.height, scale)


def _message(tensor: oip.Tensor, request_id: str) -> oip.Message:
    return oip.encode_request(oip.InferRequest((tensor,), id=request_id, outputs=WANTED))


def _scaled(line: Line, across: float, down: float) -> Line:
    a, b, c, d = ((round(x * across, 1), round(y * down, 1)) for x, y in line.polygon)
    left, top, right, bottom = line.bbox
    bbox = (round(left * across, 1), round(top * down, 1), round(right * across, 1), round(bottom * down, 1))
    return line.model_copy(update={"polygon": (a, b, c, d), "bbox": bbox})


def _translated(problem: raster.ImageProblem, page: int | None = None) -> Problem:
    return Problem(problem.code, problem.detail, limit=problem.limit, actual=problem.actual, page=page)
