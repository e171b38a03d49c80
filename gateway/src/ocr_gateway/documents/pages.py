"""What is read page by page: the protocol that all kinds of documents keep, and a page on its way."""

from dataclasses import dataclass
from typing import Protocol

from ocr_gateway.problems import Problem
from ocr_gateway.result import PageResult
from ocr_wire import oip, raster

# Half the sides for a page of more pixels, as the model server does with a file that it decodes itself.
REDUCE_ABOVE = 16_000_000
WANTED = (oip.RequestedOutput("result", {"binary_data": True}),)


@dataclass(frozen=True)
class Sheet:
    """A page on its way to a model server.

    Of decoded pixels, `held` are in `message` and in the room; the page has `size`, width and height, from
    which they may be reduced. A PDF's page was drawn with `dpi`.
    """

    message: oip.Message
    held: int = 0
    size: tuple[int, int] | None = None
    dpi: int | None = None


class Pages(Protocol):
    """An open document."""

    @property
    def count(self) -> int:
        """How many pages it has."""

    async def load(self, number: int) -> Sheet | PageResult:
        """The page, counted from 1, to be read, or already read; one at a time.

        Raises:
            Problem: the page's.
        """


def file_message(data: bytes, request_id: str) -> oip.Message:
    """A file of one page, as it came."""
    return _message(oip.bytes_tensor("image", (data,)), request_id)


def pixel_message(pixels: raster.Pixels, request_id: str) -> oip.Message:
    """A decoded page."""
    return _message(oip.Tensor("image", "UINT8", pixels.shape, pixels), request_id)


def translated(problem: raster.ImageProblem) -> Problem:
    """The same in our table's words."""
    return Problem(problem.code, problem.detail, limit=problem.limit, actual=problem.actual)


def _message(tensor: oip.Tensor, request_id: str) -> oip.Message:
    return oip.encode_request(oip.InferRequest((tensor,), id=request_id, outputs=WANTED))
