"""Whether what stands side by side are columns of text or the cells of a table."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ocr_modelserver.engine.arrays import Floats, Indices
from ocr_modelserver.engine.rows import heights, middles

_MIN_LINES = 3
_SAME_ROW = 0.15  # of a line's height: cells of one row are off by less than .05, columns by .2 and more
_PROSE, _SOME_PROSE = 0.5, 0.3  # of the text: a column of prose, and one with a table or a figure in it
_PROSE_WIDTH = 7.0  # of a line's height; what is shorter may be a date or a number
_NEAR = 2.5  # heights between the middles of a line and of the one above or below
_NEXT = 24  # lines down the page among which the one below is looked for
_RAGGED = 0.15  # of a line's width, by which the next one may be shorter or longer


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines of a level page: rectangles (n, 4), and whether each of them is one of prose (n)."""

    rectangles: Floats
    prose: npt.NDArray[np.bool_]

    def part(self, which: Indices) -> "Lines":
        """Some of the lines."""
        return Lines(self.rectangles[which], self.prose[which])

    @property
    def prose_share(self) -> float:
        """The share of the text, by width, that is prose."""
        width = self.rectangles[:, 2] - self.rectangles[:, 0]
        return float(width[self.prose].sum() / width.sum())


def lines_of(rectangles: Floats) -> Lines:
    """Lines of prose are told by the one above or below: it has the same edges, and is long too."""
    x0, _, x1, _ = rectangles.T
    width, height, middle = x1 - x0, heights(rectangles), middles(rectangles)
    prose = np.zeros(len(rectangles), np.bool_)
    down = np.argsort(middle, kind="stable")
    for shift in range(1, min(_NEXT, len(rectangles))):
        one, other = down[:-shift], down[shift:]
        low, narrow = (np.minimum(side[one], side[other]) for side in (height, width))
        near = middle[other] - middle[one] <= _NEAR * low
        alike = (np.abs(x0[one] - x0[other]) <= low) & (np.abs(x1[one] - x1[other]) <= _RAGGED * narrow)
        found = near & alike & (narrow >= _PROSE_WIDTH * np.maximum(height[one], height[other]))
        prose[one[found]] = prose[other[found]] = True
    return Lines(rectangles, prose)


def column_worth(left: Lines, right: Lines) -> float:
    """How many lines gain by being read column by column; 0 for what is read row by row.

    Without prose on either side they are a table or a receipt, be its rows ever so bent; lines that share
    their rows with the other side are cells, unless both sides are prose.
    """
    counts = len(left.rectangles), len(right.rectangles)
    if min(counts) < _MIN_LINES or not _overlap(left.rectangles, right.rectangles):
        return 0.0
    less, more = sorted((left.prose_share, right.prose_share))
    if less < _PROSE and (more < _SOME_PROSE or _share_rows(left.rectangles, right.rectangles)):
        return 0.0
    return sum(counts) * (1 + less)


def _overlap(left: Floats, right: Floats) -> bool:
    return bool(max(left[:, 1].min(), right[:, 1].min()) < min(left[:, 3].max(), right[:, 3].max()))


def _share_rows(left: Floats, right: Floats) -> bool:
    """Whether lines of the shorter side typically stand exactly in a row with one of the other."""
    few, many = sorted((left, right), key=len)
    distance = np.abs(middles(few)[:, None] - middles(many)).min(axis=1)
    return bool(np.median(distance) <= _SAME_ROW * np.median(heights(few)))
