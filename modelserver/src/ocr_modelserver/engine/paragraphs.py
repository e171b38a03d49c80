"""Which lines of a page make a paragraph."""

from itertools import accumulate, pairwise

import numpy as np
import numpy.typing as npt

from ocr_modelserver.engine.arrays import Floats, Indices
from ocr_modelserver.engine.rows import heights, middles

# In heights of a line, as detection draws it: about 1.3 of the print's own.
_PIECES = 1.5  # between the pieces of one line, which wide spaces can break
_INDENT = 0.8
_FURTHEST = 2.0  # from a line's middle to the next one's
_HIGHER = 1.4  # a heading against its text
_WIDER = 1.3  # the space before a paragraph against the one between its lines


def paragraphs(rectangles: Floats) -> list[int]:
    """The paragraph of each line (n, 4), numbered from 0; the lines are in reading order on a level page.

    Lines of a paragraph stand close under each other, in print of one size. A wider space, an indented line
    or one that hangs out begins another.
    """
    if not len(rectangles):
        return []
    begins = [True, *(not _goes_on(one, other) for one, other in pairwise(rectangles))]
    rows = np.array(list(accumulate(begins))) - 1
    of_rows = np.cumsum(_begin(_hulls(rectangles, np.flatnonzero(begins)))) - 1
    return [int(number) for number in of_rows[rows]]


def _goes_on(one: Floats, other: Floats) -> bool:
    """Whether a line is the next piece of the row that ends with the one before."""
    height = min(one[3] - one[1], other[3] - other[1])
    beside = abs(one[1] + one[3] - other[1] - other[3]) / 2 <= height / 2
    return bool(beside and -height < other[0] - one[2] <= _PIECES * height)


def _hulls(rectangles: Floats, starts: Indices) -> Floats:
    """The rectangles around lines that stand in one row, (m, 4), by where rows start."""
    least = np.minimum.reduceat(rectangles[:, :2], starts)
    most = np.maximum.reduceat(rectangles[:, 2:], starts)
    return np.concatenate([least, most], axis=1)


def _begin(rows: Floats) -> npt.NDArray[np.bool_]:
    """Whether each of the rows (m, 4) is the first of a paragraph."""
    x0, _, x1, _ = rows.T
    low = np.minimum(heights(rows)[1:], heights(rows)[:-1])
    steps = np.where(_under(rows), np.diff(middles(rows)), np.inf)
    before, after = np.append(np.inf, steps[:-1]), np.append(steps[1:], np.inf)
    spaced = steps > _WIDER * np.minimum(before, after)
    # Where the line starts against the one before it, and the next one against it.
    right = np.diff(x0) / low
    back = np.where(np.isfinite(after), np.append(-right[1:], 0), 0)
    indented = (right >= _INDENT) & (back >= _INDENT) & (np.diff(x1) / low > -_INDENT)  # else it is centred
    hanging = (right <= -_INDENT) & (back <= -_INDENT)
    return np.append([True], np.isinf(steps) | spaced | indented | hanging)


def _under(rows: Floats) -> npt.NDArray[np.bool_]:
    """Whether each of the rows but the first stands close under the one before it, in print of its size."""
    x0, _, x1, _ = rows.T
    low = np.minimum(heights(rows)[1:], heights(rows)[:-1])
    high = np.maximum(heights(rows)[1:], heights(rows)[:-1])
    narrow = np.minimum((x1 - x0)[1:], (x1 - x0)[:-1])
    common = np.minimum(x1[1:], x1[:-1]) - np.maximum(x0[1:], x0[:-1])
    step = np.diff(middles(rows))
    close = (step > low / 2) & (step <= _FURTHEST * high)
    return np.asarray(close & (high <= _HIGHER * low) & (common >= narrow / 2))
