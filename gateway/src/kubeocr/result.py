"""What a document says: the JSON answer of the v1 API as typed, frozen data.

Members that are not known here are ignored, so that newer servers can be read.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kubeocr.errors import OcrError, from_problem

Point = tuple[float, float]
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Word:
    """A word. `polygon` runs clockwise from where reading starts, `bbox` is its hull (x0, y0, x1, y1)."""

    text: str
    confidence: float
    polygon: tuple[Point, ...]
    bbox: Box


@dataclass(frozen=True)
class Line(Word):
    """A line of a page; `block` numbers its paragraph. It has `words` when read with `level="word"`."""

    block: int = 0
    words: tuple[Word, ...] = ()


@dataclass(frozen=True)
class Page:
    """A page, its lines in reading order; or why it could not be read, as `error`.

    Coordinates are pixels of the page as it was sent, x to the right and y down.
    """

    number: int
    width: int = 0
    height: int = 0
    text: str = ""
    confidence: float | None = None
    rotation: int = 0
    skew: float = 0.0
    source: str = "ocr"
    dpi: int | None = None
    lines: tuple[Line, ...] = ()
    error: OcrError | None = None


@dataclass(frozen=True)
class Document:
    """All pages in order. `status` is `partial` when some could not be read; `model` names what read it."""

    id: str
    status: str
    pages: tuple[Page, ...]
    model: str | None = None
    timings_ms: Mapping[str, float] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The pages that could be read, a blank line between two."""
        return "\n\n".join(page.text for page in self.pages if page.error is None)


def parse(body: bytes) -> Document:
    """The document of a JSON answer.

    Raises:
        OcrError: unreadable_answer.
    """
    try:
        answer = json.loads(body)
        pages = tuple(_page(each) for each in answer["pages"])
        model = (answer.get("model") or {}).get("name")
        return Document(answer["id"], answer["status"], pages, model, answer.get("timings_ms", {}))
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        detail = f"The answer is not a document of the v1 API: {error!r}."
        raise OcrError("unreadable_answer", detail) from error


def _page(page: Mapping[str, Any]) -> Page:
    if "error" in page:
        return Page(page["page"], error=from_problem(page["error"]))
    optional = {name: page[name] for name in ("rotation", "skew", "source", "dpi") if name in page}
    return Page(
        number=page["page"],
        width=page["width"],
        height=page["height"],
        text=page["text"],
        confidence=page["confidence"],
        lines=tuple(_line(each) for each in page["lines"]),
        **optional,
    )


def _line(line: Mapping[str, Any]) -> Line:
    words = tuple(Word(**_word(each)) for each in line.get("words", ()))
    return Line(**_word(line), block=line.get("block", 0), words=words)


def _word(word: Mapping[str, Any]) -> dict[str, Any]:
    polygon = tuple((x, y) for x, y in word["polygon"])
    left, top, right, bottom = word["bbox"]
    box = (left, top, right, bottom)
    return {"text": word["text"], "confidence": word["confidence"], "polygon": polygon, "bbox": box}
