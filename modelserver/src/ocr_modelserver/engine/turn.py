"""Which way up the page is: told by how well its lines read, and for the whole page at once.

A network made for it errs on single lines and, by a vote, still on whole pages of small or noisy print. The
recogniser is hardly ever wrong: on text that is upside down its confidence falls from over .9 to about .55.
"""

from collections.abc import Callable

import numpy as np

from ocr_modelserver.engine.arrays import Floats
from ocr_modelserver.engine.geometry import sizes, turn_reading
from ocr_modelserver.engine.reading import Reading

_VOTERS = 5
_SURE = 0.85
_TALL = 4.0  # height to width; a lone I has up to 3.8, and says nothing about the page


def set_upright(read: Callable[[Floats], Reading], boxes: Floats) -> tuple[int, Floats]:
    """The quarters by which a page has to be turned counter-clockwise, and its boxes (n, 4, 2).

    Their first corners come back where reading starts. `read` gives the reading of a box (4, 2).
    """
    quarters = 1 if runs_downwards(boxes) else 0
    boxes = turn_reading(boxes, quarters)
    if upside_down(read, boxes):
        return quarters + 2, turn_reading(boxes, 2)
    return quarters, boxes


def runs_downwards(boxes: Floats) -> bool:
    """Whether most of the text, by area, stands in boxes much taller than wide: a page on its side."""
    width, height = sizes(boxes).T
    area = width * height
    return bool(area[height >= _TALL * width].sum() > area.sum() / 2)


def upside_down(read: Callable[[Floats], Reading], boxes: Floats) -> bool:
    """Whether typical long lines of the page (n, 4, 2) read better upside down.

    `read` gives the reading of a box (4, 2). On a page that reads well it is asked for nothing that would not
    be read anyway.
    """
    voters = boxes[_typical(boxes)]
    upright = _certainty([read(box) for box in voters])
    if upright >= _SURE:
        return False
    return _certainty([read(box) for box in turn_reading(voters, 2)]) > upright


def _typical(boxes: Floats) -> list[int]:
    """The lines in the middle of the longer half by aspect: no page numbers, nor what is widest of all."""
    width, height = sizes(boxes).T
    by_aspect = np.argsort(-(width / np.maximum(height, 1)), kind="stable")
    start = max(0, len(boxes) // 4 - _VOTERS // 2)
    return [int(index) for index in by_aspect[start : start + _VOTERS]]


def _certainty(readings: list[Reading]) -> float:
    """The mean confidence of all characters."""
    weight = sum(len(reading.text) for reading in readings)
    return sum(reading.confidence * len(reading.text) for reading in readings) / max(1, weight)
