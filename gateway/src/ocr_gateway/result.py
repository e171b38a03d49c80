"""What reading a document gives: for each of its pages, in order, what it says or what is wrong with it."""

import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, Self, TypeVar

from pydantic import TypeAdapter

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


PAGE_RESULT = TypeAdapter(PageResult)


class Results:
    """The results of a document's pages, in order.

    Every page but the last is kept as compressed JSON, in a tenth of the memory or less, and is
    unpacked each time that it is iterated over.
    """

    def __init__(self, results: Iterable[PageResult] = ()) -> None:
        """Keep these; more are added as they come."""
        self._kept: list[PageResult | bytes] = []
        self.model: ModelRef | None = None
        self.problems: dict[int, Problem] = {}
        for result in results:
            self.add(result)

    def add(self, result: PageResult) -> None:
        """Keep the next page's; `model` is the first that read one, `problems` are by the page's number."""
        if self._kept:
            self._kept[-1] = _packed(self._kept[-1])
        self._kept.append(result)
        self.model = self.model or result.model
        if isinstance(result.outcome, Problem):
            self.problems[result.number] = result.outcome

    def __len__(self) -> int:
        """How many pages there are."""
        return len(self._kept)

    def __iter__(self) -> Iterator[PageResult]:
        """Each page's, unpacked one at a time."""
        return map(_unpacked, self._kept)


def _packed(result: PageResult | bytes) -> PageResult | bytes:
    if isinstance(result, bytes) or isinstance(result.outcome, Problem):
        return result
    return zlib.compress(PAGE_RESULT.dump_json(result), zlib.Z_BEST_SPEED)


def _unpacked(kept: PageResult | bytes) -> PageResult:
    return PAGE_RESULT.validate_json(zlib.decompress(kept)) if isinstance(kept, bytes) else kept


@dataclass(frozen=True)
class Recognised:
    """A whole document: at least one of its pages could be read."""

    results: Results
    timings_ms: Mapping[str, float]

    @classmethod
    def of(cls, results: Results, timings_ms: Mapping[str, float]) -> Self:
        """The document of at least one page.

        Raises:
            Problem: that of the first page when none could be read.
        """
        if len(results.problems) == len(results):
            raise next(iter(results.problems.values()))
        return cls(results, timings_ms)

    @property
    def status(self) -> Literal["succeeded", "partial"]:
        """Whether every page could be read."""
        return "partial" if self.results.problems else "succeeded"

    @property
    def model(self) -> ModelRef | None:
        """The model that read it; None when no page needed one."""
        return self.results.model

    @property
    def pages(self) -> Iterator[Page]:
        """The pages that could be read."""
        return (result.outcome for result in self.results if isinstance(result.outcome, Page))

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
