"""Reading order: columns before rows.

An XY-cut that looks for a column gap first. What crosses the gap, headings and the like, divides the region
into bands, unless text flows around it; a band is read column by column where its sides are columns and not
the cells of a table. What is left is read row by row. A row that stands apart at the head or the foot of the
page is in no column.
"""

from collections.abc import Iterator

import numpy as np

from ocr_modelserver.engine.arrays import Floats, Indices
from ocr_modelserver.engine.columns import Lines, column_worth, lines_of
from ocr_modelserver.engine.rows import heights, middles, read_rows, rows_of

_MOST_CROSSING = 0.7  # of the region's lines
_APART = 1.0  # of a line's height
_BESIDE = 0.75  # of a line's height; what stands on a line of its own is further from the next ones
_LEAST_GAP = 0.25  # of a line's height


def reading_order(rectangles: Floats) -> list[int]:
    """The order in which the lines of a level page are read, as indices; they are (n, 4: x0, y0, x1, y1)."""
    if not len(rectangles):
        return []
    lines = lines_of(rectangles)
    return [index for part in _head_body_foot(rectangles) for index in _read(lines, part)]


def _head_body_foot(rectangles: Floats) -> tuple[Indices, Indices, Indices]:
    """The first and the last row, where there is space between them and the rest, and the rest between."""
    down = np.argsort(rectangles[:, 1], kind="stable")
    deepest = np.maximum.accumulate(rectangles[down, 3])
    space = rectangles[down[1:], 1] - deepest[:-1]
    cuts = (np.flatnonzero(space > _APART * np.median(heights(rectangles))) + 1).tolist()
    start, end = (cuts[0], cuts[-1]) if cuts else (0, len(down))
    if len(rows_of(rectangles, down[:start])) > 1:
        start = 0
    if len(rows_of(rectangles, down[end:])) > 1:
        end = len(down)
    return down[:start], down[start:end], down[end:]


def _read(lines: Lines, region: Indices) -> Iterator[int]:
    """A region's lines by its best gap between columns, or row by row where there is none."""
    best, parts = (0.0, 0.0), None
    for x, width in _gaps(lines.rectangles[region]):
        cut, worth = _cut(lines, region, x)
        if worth and (worth, width) > best:
            best, parts = (worth, width), cut
    if parts is None:
        yield from read_rows(lines.rectangles, region)
        return
    for part in parts:
        yield from _read(lines, part)


def _gaps(rectangles: Floats) -> Iterator[tuple[float, float]]:
    """Places where lines end and others begin, and few lie across: the middle and the width of each."""
    if not len(rectangles):
        return
    x0, x1 = np.sort(rectangles[:, 0]), np.sort(rectangles[:, 2])
    starts = np.unique(x0)
    before = np.searchsorted(x1, starts, side="right")  # how many lines have ended
    starts, before = starts[before > 0], before[before > 0]
    ends = x1[before - 1]
    crossing = np.searchsorted(x0, (starts + ends) / 2) - before
    wide = starts - ends > _LEAST_GAP * np.median(heights(rectangles))
    allowed = np.flatnonzero(wide & (crossing <= _MOST_CROSSING * len(rectangles)))
    taken: list[float] = []
    for index in allowed[np.lexsort(((ends - starts)[allowed], crossing[allowed]))]:
        start, end = float(starts[index]), float(ends[index])
        if not any(end <= x <= start for x in taken):  # the same gap, with more lines across
            taken.append((start + end) / 2)
            yield taken[-1], start - end


def _cut(lines: Lines, region: Indices, x: float) -> tuple[list[Indices], float]:
    """The region cut at x into parts in reading order, and the worth of its columns, 0 without any."""
    left, right, insets, crossing = _sides(lines.rectangles, region, x)
    edges = middles(lines.rectangles[crossing])
    bands = [np.searchsorted(edges, middles(lines.rectangles[each])) for each in (left, right, insets)]
    parts: list[Indices] = []
    between: list[Indices] = []
    total = 0.0
    for band in range(len(edges) + 1):
        here = [each[number == band] for each, number in zip((left, right, insets), bands, strict=True)]
        if worth := column_worth(lines.part(here[0]), lines.part(here[1])):
            parts += [np.concatenate(between), *here] if between else here
            total, between = total + worth, []
        else:
            between += here
        between.append(crossing[band : band + 1])
    return [*parts, np.concatenate(between)], total


def _sides(rectangles: Floats, region: Indices, x: float) -> tuple[Indices, Indices, Indices, Indices]:
    """What lies left and right of x, and across it: insets, with text beside them on both sides, and the rest
    from top to bottom.
    """
    left, right = region[rectangles[region, 2] <= x], region[rectangles[region, 0] >= x]
    crossing = np.setdiff1d(region, np.concatenate([left, right]))
    crossing = crossing[np.argsort(middles(rectangles[crossing]), kind="stable")]
    inset = np.ones(len(crossing), np.bool_)
    for side in (left, right):
        apart = np.abs(middles(rectangles[crossing])[:, None] - middles(rectangles[side]))
        inset &= (apart <= _BESIDE * heights(rectangles[side])).any(axis=1)
    return left, right, crossing[inset], crossing[~inset]
