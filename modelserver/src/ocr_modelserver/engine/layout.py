"""From boxes of lines to the order and the paragraphs in which they are read."""

from dataclasses import dataclass

import numpy as np

from ocr_modelserver.engine.arrays import Floats
from ocr_modelserver.engine.order import reading_order
from ocr_modelserver.engine.paragraphs import paragraphs


@dataclass(frozen=True, slots=True)
class Layout:
    """Lines in reading order, by index, the paragraph of each of them, and their skew.

    `skew` is how many degrees the lines of the upright page fall to the right.
    """

    order: tuple[int, ...]
    paragraphs: tuple[int, ...]
    skew: float


def lay_out(boxes: Floats) -> Layout:
    """The layout of lines (n, 4, 2) on the upright page."""
    if not len(boxes):
        return Layout((), (), 0.0)
    skew = _skew(boxes)
    rectangles = _levelled(boxes, skew)
    order = reading_order(rectangles)
    return Layout(tuple(order), tuple(paragraphs(rectangles[order])), skew)


def _skew(boxes: Floats) -> float:
    """The angle in degrees that divides the text by length: half of it falls more, half less."""
    x, y = (boxes[:, 1] - boxes[:, 0]).T
    angles, lengths = np.degrees(np.arctan2(y, x)), np.hypot(x, y)
    by_angle = np.argsort(angles)
    passed = np.cumsum(lengths[by_angle])
    return float(angles[by_angle][np.searchsorted(passed, passed[-1] / 2)])


def _levelled(boxes: Floats, skew: float) -> Floats:
    """The upright rectangles (n, 4: x0, y0, x1, y1) around boxes turned by the skew."""
    cos, sin = np.cos(np.radians(skew)), np.sin(np.radians(skew))
    level = boxes @ np.array([[cos, -sin], [sin, cos]], np.float32)
    return np.concatenate([level.min(axis=1), level.max(axis=1)], axis=1)
