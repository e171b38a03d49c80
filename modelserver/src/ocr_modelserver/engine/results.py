"""Placed lines as the lines of the result, in reading order."""

from collections.abc import Sequence
from typing import TypedDict

from ocr_modelserver.engine.layout import Layout
from ocr_modelserver.engine.words import Placed, PlacedLine
from ocr_wire.result import Line, Point, Word


class _Members(TypedDict):
    text: str
    confidence: float
    polygon: tuple[Point, Point, Point, Point]
    bbox: tuple[float, float, float, float]


def lines_of_result(lines: Sequence[PlacedLine], layout: Layout) -> tuple[Line, ...]:
    """The lines, whose boxes are in pixels of the original, in reading order."""
    return tuple(
        Line(
            **_members(lines[index]),
            words=tuple(Word(**_members(word)) for word in lines[index].words),
            block=block,
        )
        for index, block in zip(layout.order, layout.paragraphs, strict=True)
    )


def _members(placed: Placed) -> _Members:
    corners = [(round(x, 1), round(y, 1)) for x, y in placed.box.tolist()]
    xs, ys = zip(*corners, strict=True)
    return {
        "text": placed.text,
        "confidence": round(placed.confidence, 4),
        "polygon": (corners[0], corners[1], corners[2], corners[3]),
        "bbox": (min(xs), min(ys), max(xs), max(ys)),
    }
