"""What reading a document gives: for each of its pages, in order, what it says or what is wrong with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeVar

from ocr_gateway.problems import Problem
from ocr_wire.result import Line, ModelRef, Page, Word

PageSource = Literal["ocr", "text"]
W = TypeVar("W", bound=Word)


@dataclass(frozen=True)
class PageResult:
    """One page of a document, `number` counted from 1 in the file.

    `source` is `text` where the page's own text layer was taken. `model` is None there, and where the page
    has failed. `dpi` are the pixels an inch that a page of a PDF was drawn with; other files have none.
    """

    number: int
    outcome: Page | Problem
    model: ModelRef | None = None
    source: PageSource = "ocr"
    dpi: int | None = None


@dataclass(frozen=True)
class Recognised:
    """A whole document: at least one of its pages could be read."""

    results: tuple[PageResult, ...]
    timings_ms: Mapping[str, float]

    @property
    def status(self) -> Literal["succeeded", "partial"]:
        """Whether every page could be read."""
        return "succeeded" if len(self.pages) == len(self.results) else "partial"

    @property
    def model(self) -> ModelRef | None:
        """The model that read it; None when no page needed one."""
        return next((result.model for result in self.results if result.model), None)

    @cached_property
    def pages(self) -> tuple[Page, ...]:
        """The pages that could be read."""
        return tuple(result.outcome for result in self.results if isinstance(result.outcome, Page))

    @property
    def text(self) -> str:
        """The pages that could be read, joined by a blank line."""
        return "\n\n".join(page.text for page in self.pages)


def surer(page: Page, least: float) -> Page:
    """The same page without the lines of less than that confidence."""
    lines = tuple(line for line in page.lines if line.confidence >= least)
    return page if len(lines) == len(page.lines) else page.model_copy(update={"lines": lines})


def scaled(page: Page, width: int, height: int) -> Page:
    """The same page with its coordinates in a frame of `width` x `height` pixels."""
    if (width, height) == (page.width, page.height):
        return page
    across, down = width / page.width, height / page.height
    lines = tuple(_scaled_line(line, across, down) for line in page.lines)
    return page.model_copy(update={"width": width, "height": height, "lines": lines})


def _scaled_line(line: Line, across: float, down: float) -> Line:
    words = tuple(_scaled(word, across, down) for word in line.words)
    return _scaled(line, across, down).model_copy(update={"words": words})


def _scaled(word: W, across: float, down: float) -> W:
    polygon = tuple((round(x * across, 1), round(y * down, 1)) for x, y in word.polygon)
    left, top, right, bottom = word.bbox
    bbox = (round(left * across, 1), round(top * down, 1), round(right * across, 1), round(bottom * down, 1))
    return word.model_copy(update={"polygon": polygon, "bbox": bbox})
