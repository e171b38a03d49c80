"""Rows of lines that stand side by side, and labels over the entries of a form."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from ocr_modelserver.engine.arrays import Floats, Indices

_SAME_ROW = 0.4  # of the lower line's height, between the middles of neighbours
_OPEN_ROWS = 4  # a row may still get boxes when the next ones have begun: lines rise and fall
_LARGER = 1.15  # an entry's print against its label's, typically
_CLOSER = 0.3  # of a label's height, to its entry than that one to the next label


def heights(rectangles: Floats) -> Floats:
    """The heights of rectangles (n, 4)."""
    return rectangles[:, 3] - rectangles[:, 1]


def middles(rectangles: Floats) -> Floats:
    """The y in the middle of rectangles (n, 4)."""
    return np.asarray((rectangles[:, 1] + rectangles[:, 3]) / 2, np.float32)


def read_rows(rectangles: Floats, region: Indices) -> Iterator[int]:
    """Row by row from left to right, but each label of a form right before its entry."""
    rows = rows_of(rectangles, region)
    labels = _rows_of_labels(rectangles, rows)
    for number, row in enumerate(rows):
        if number in labels:
            yield from _paired(rectangles, row, rows[number + 1])
        elif number - 1 not in labels:
            yield from row


def rows_of(rectangles: Floats, region: Indices) -> list[list[int]]:
    """The rows of some rectangles (n, 4) as indices, top to bottom and left to right.

    A box joins the row with the nearest box beside it that stands as high as it does.
    """
    rows: list[list[int]] = []
    middle = middles(rectangles)
    for index in region[np.argsort(middle[region], kind="stable")]:
        apart = [_apart(rectangles[row], rectangles[index]) for row in rows[-_OPEN_ROWS:]]
        if apart and min(apart) < np.inf:
            rows[-len(apart) :][apart.index(min(apart))].append(int(index))
        else:
            rows.append([int(index)])
    return [sorted(row, key=lambda each: float(rectangles[each, 0])) for row in rows]


def _apart(row: Floats, box: Floats) -> float:
    """How far a box (4) stands beside the nearest of a row (m, 4); endless if not on its height."""
    apart = np.maximum(row[:, 0] - box[2], box[0] - row[:, 2])
    nearest = row[apart.argmin()]
    if apart.min() < -min(box[2] - box[0], nearest[2] - nearest[0]) / 2:
        return np.inf
    lower = min(box[3] - box[1], nearest[3] - nearest[1])
    beside = abs(nearest[1] + nearest[3] - box[1] - box[3]) / 2 <= _SAME_ROW * lower
    return float(apart.min()) if beside else np.inf


def _rows_of_labels(rectangles: Floats, rows: Sequence[Sequence[int]]) -> set[int]:
    """The numbers of the rows that are labels of the next one: in small print, and close to that one only."""
    boxes = [rectangles[row] for row in rows]
    high = [float(np.median(heights(each))) for each in boxes]
    space = [float(below[:, 1].min() - above[:, 3].max()) for above, below in pairwise(boxes)] + [np.inf]
    pairs: set[int] = set()
    for number, (above, below) in enumerate(pairwise(boxes)):
        closer = space[number] + _CLOSER * high[number] < space[number + 1]
        if closer and number - 1 not in pairs and _stand_over(above, below):
            pairs.add(number)
    larger = [high[number + 1] / high[number] for number in pairs]
    return pairs if pairs and np.median(larger) >= _LARGER else set()


def _stand_over(row: Floats, below: Floats) -> bool:
    """Whether each of several boxes stands under one of a row."""
    under = (below[:, None, 0] < row[:, 2]) & (below[:, None, 2] > row[:, 0])
    return min(len(row), len(below)) > 1 and bool(under.any(axis=1).all())


def _paired(rectangles: Floats, labels: Sequence[int], entries: Sequence[int]) -> list[int]:
    """Labels and entries, each entry after the last label that begins left of its middle."""
    places = {index: float(rectangles[index, 0]) for index in labels}
    places |= {index: float(rectangles[index, 0] + rectangles[index, 2]) / 2 for index in entries}
    return sorted(places, key=lambda index: places[index])
