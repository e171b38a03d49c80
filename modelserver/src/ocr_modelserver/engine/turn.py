"""Which way up the page is: told by how well its lines read, and for the whole page at once.

A network made for it errs on single lines and, by a vote, still on whole pages of small or noisy print. The
recogniser is hardly ever wrong: on text that is upside down its confidence falls from over .9 to about .55.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from ocr_modelserver.engine.arrays import Floats, Pixels
from ocr_modelserver.engine.geometry import sizes, turn_points, turn_reading
from ocr_modelserver.engine.reading import Reading
from ocr_modelserver.spread import Map

_VOTERS = 5
_SURE = 0.85
# Columns of letters such as B or N are read well this way and that; a page upside down reads at .96 and more.
_SURE_OF_A_TURN = 0.95
_TALL = 4.0  # height to width; a lone I has up to 3.8, and says nothing about the page
_RATHER_TALL, _MANY = 1.5, 8  # cells of a table are short, and of so many boxes few are an I


@dataclass(frozen=True, slots=True)
class Sheet:
    """A page as it is turned to be read: its pixels (h, w, 3) and the boxes of its lines (n, 4, 2) in them.

    `quarters` counter-clockwise have brought it there from how it came.
    """

    pixels: Pixels
    boxes: Floats
    quarters: int = 0

    def turned(self, quarters: int) -> "Sheet":
        """The sheet turned counter-clockwise, with the first corners of its boxes at the top left again."""
        height, width = self.pixels.shape[:2]
        pixels = np.ascontiguousarray(np.rot90(self.pixels, quarters))
        boxes = turn_points(turn_reading(self.boxes, quarters), quarters, width, height)
        return Sheet(pixels, boxes, (self.quarters + quarters) % 4)

    def as_it_came(self, points: Floats) -> Floats:
        """Points (..., 2) of the turned sheet on the page as it came."""
        height, width = self.pixels.shape[:2]
        return turn_points(points, -self.quarters, width, height)


def runs_downwards(boxes: Floats) -> bool:
    """Whether most of the text, by area, stands in boxes much taller than wide: a page on its side."""
    width, height = sizes(boxes).T
    area = width * height
    tall = height >= (_TALL if len(boxes) < _MANY else _RATHER_TALL) * width
    return bool(area[tall].sum() > area.sum() / 2)


@dataclass(frozen=True, slots=True)
class Look:
    """How well typical lines read (0 to 1) the better way, and whether that is upside down."""

    certainty: float
    upside_down: bool = False

    @property
    def sure(self) -> bool:
        """Whether nothing speaks against it that this is the page's way."""
        return self.certainty >= (_SURE_OF_A_TURN if self.upside_down else _SURE)


def look(read: Callable[[Floats], Reading], boxes: Floats, spread: Map = map) -> Look:
    """Read typical long lines of the page (n, 4, 2), upside down too if they do not read well.

    `read` gives the reading of a box (4, 2). On a page that reads well it is asked for nothing that would not
    be read anyway; `spread` may share the boxes among threads.
    """
    voters = boxes[_typical(boxes)]
    upright = Look(_certainty(spread(read, voters)))
    if upright.sure:
        return upright
    turned = Look(_certainty(spread(read, turn_reading(voters, 2))), upside_down=True)
    return turned if turned.certainty > upright.certainty else upright


def _typical(boxes: Floats) -> list[int]:
    """The lines in the middle of the longer half by aspect: no page numbers, nor what is widest of all."""
    width, height = sizes(boxes).T
    by_aspect = np.argsort(-(width / np.maximum(height, 1)), kind="stable")
    start = max(0, len(boxes) // 4 - _VOTERS // 2)
    return [int(index) for index in by_aspect[start : start + _VOTERS]]


def _certainty(readings: Iterable[Reading]) -> float:
    """The mean confidence of all characters."""
    weights = [(reading.confidence, len(reading.text)) for reading in readings]
    return sum(sure * size for sure, size in weights) / max(1, sum(size for _, size in weights))
