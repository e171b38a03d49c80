"""Placed lines as the lines of the result, in reading order."""

from collections.abc import Callable, Sequence
from typing import TypedDict

from ocr_modelserver.engine.arrays import Floats
from ocr_modelserver.engine.layout import Layout
from ocr_modelserver.engine.words import Placed, PlacedLine
from ocr_wire.result import Line, Point, Word

InOriginal = Callable[[Floats], Floats]


class _Members(TypedDict):
    text: str
    confidence: float
    polygon: tuple[Point, Point, Point, Point]
    bbox: tuple[float, float, float, float]


def lines_of_result(lines: Sequence[PlacedLine], layout: Layout, in_original: InOriginal) -> tuple[Line, ...]:
    """The lines in reading order; `in_original` gives the original's pixels for those of the boxes (4, 2)."""
    return tuple(
        Line(
            **_members(lines[index], in_original),
            words=tuple(Word(**_members(word, in_original)) for word in lines[index].words),
            block=block,
        )
        for index, block in zip(layout.order, layout.paragraphs, strict=True)
    )


def _members(placed: Placed, in_original: InOriginal) -> _Members:
    corners = [(round(float(x), 1), round(float(y), 1)) for x, y in in_original(placed.box)]
    xs, ys = zip(*corners, strict=True)
    return {
        "text": placed.text,
        "confidence": round(placed.confidence, 4),
        "polygon": (corners[0], corners[1], corners[2], corners[3]),
        "bbox": (min(xs), min(ys), max(xs), max(ys)),
    }
