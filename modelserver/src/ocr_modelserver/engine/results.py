"""Placed lines as the lines of the result, in reading order."""

from collections.abc import Sequence
from typing import TypedDict

from ocr_modelserver.engine.layout import Layout
from ocr_modelserver.engine.words import Placed, PlacedLine
from ocr_wire.result import Line, Point, Word

Scale = tuple[float, float]


class _Members(TypedDict):
    text: str
    confidence: float
    polygon: tuple[Point, Point, Point, Point]
    bbox: tuple[float, float, float, float]


def lines_of_result(lines: Sequence[PlacedLine], layout: Layout, scale: Scale) -> tuple[Line, ...]:
    """The lines in reading order; `scale` are the result's pixels per pixel of the boxes, across and down."""
    return tuple(
        Line(
            **_members(lines[index], scale),
            words=tuple(Word(**_members(word, scale)) for word in lines[index].words),
            block=block,
        )
        for index, block in zip(layout.order, layout.paragraphs, strict=True)
    )


def _members(placed: Placed, scale: Scale) -> _Members:
    corners = [(round(float(x) * scale[0], 1), round(float(y) * scale[1], 1)) for x, y in placed.box]
    xs, ys = zip(*corners, strict=True)
    return {
        "text": placed.text,
        "confidence": round(placed.confidence, 4),
        "polygon": (corners[0], corners[1], corners[2], corners[3]),
        "bbox": (min(xs), min(ys), max(xs), max(ys)),
    }
