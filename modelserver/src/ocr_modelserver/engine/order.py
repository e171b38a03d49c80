"""Reading order: columns before rows.

An XY-cut that looks for a column gap first. A gap divides a region when (almost) no line crosses it, and what
lies on its sides reads as columns of prose rather than as the cells of a table. Lines that cross it,
headings and the like, divide the region into bands that are read one after the other.
"""

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from ocr_modelserver.engine.arrays import Floats

_MIN_COLUMN_LINES = 3
_MAX_CROSSING = 0.2  # of the region's lines
_PROSE_ASPECT = 5.0  # width to height of a column's typical line; table cells are shorter
_MAX_SKEW = 15.0

Indices = npt.NDArray[np.intp]


def reading_order(boxes: Floats) -> list[int]:
    """The order in which the boxes (n, 4, 2) are read, as indices; coordinates of the upright page."""
    if len(boxes) == 0:
        return []
    level = _deskewed(boxes)
    rectangles = np.concatenate([level.min(axis=1), level.max(axis=1)], axis=1)
    return _order(rectangles, np.arange(len(boxes)))


def _deskewed(boxes: Floats) -> Floats:
    """The boxes turned by the typical lean of the lines, so that gaps are not closed by a tilted page."""
    edge = boxes[:, 1] - boxes[:, 0]
    angles = np.degrees(np.arctan2(edge[:, 1], edge[:, 0]))
    lean = float(np.median(angles))
    if abs(lean) > _MAX_SKEW:
        return boxes
    cos, sin = np.cos(np.radians(lean)), np.sin(np.radians(lean))
    return np.asarray(boxes @ np.array([[cos, -sin], [sin, cos]]), np.float32)


def _order(rectangles: Floats, region: Indices) -> list[int]:
    gap = _column_gap(rectangles, region)
    if gap is None:
        return _rows(rectangles, region)
    left, right = _sides(rectangles, region, gap)
    crossing = np.setdiff1d(region, np.concatenate([left, right]))
    crossing = crossing[np.argsort(_middle(rectangles[crossing]), kind="stable")]
    edges = [-np.inf, *_middle(rectangles[crossing]), np.inf]
    ordered: list[int] = []
    for band, (top, bottom) in enumerate(pairwise(edges)):
        if band:
            ordered.append(int(crossing[band - 1]))
        for side in (left, right):
            middle = _middle(rectangles[side])
            ordered += _order(rectangles, side[(middle > top) & (middle <= bottom)])
    return ordered


def _middle(rectangles: Floats) -> Floats:
    return np.asarray((rectangles[:, 1] + rectangles[:, 3]) / 2, np.float32)


def _sides(rectangles: Floats, region: Indices, x: float) -> tuple[Indices, Indices]:
    return region[rectangles[region, 2] <= x], region[rectangles[region, 0] >= x]


def _column_gap(rectangles: Floats, region: Indices) -> float | None:
    """The x that divides the region into columns with the fewest crossing lines, or None."""
    if len(region) < 2 * _MIN_COLUMN_LINES:
        return None
    best: tuple[float, float] | None = None
    for x, width in _gaps(rectangles[region]):
        left, right = _sides(rectangles, region, x)
        crossing = len(region) - len(left) - len(right)
        if crossing <= _MAX_CROSSING * len(region) and _are_columns(rectangles[left], rectangles[right]):
            best = min(best or (np.inf, 0.0), (crossing - width / 1e6, x))
    return best[1] if best else None


def _gaps(rectangles: Floats) -> list[tuple[float, float]]:
    """Candidates for a gap between columns: its middle and its width, by where lines end and others begin."""
    ends, starts = np.sort(rectangles[:, 2]), np.sort(rectangles[:, 0])
    height = float(np.median(rectangles[:, 3] - rectangles[:, 1]))
    candidates = []
    for start in np.unique(starts):
        before = ends[ends <= start]
        if len(before) and start - before[-1] > height / 4:
            candidates.append((float(start + before[-1]) / 2, float(start - before[-1])))
    return candidates


def _are_columns(left: Floats, right: Floats) -> bool:
    if min(len(left), len(right)) < _MIN_COLUMN_LINES:
        return False
    if max(left[:, 1].min(), right[:, 1].min()) >= min(left[:, 3].max(), right[:, 3].max()):
        return False
    return all(_typical_aspect(side) >= _PROSE_ASPECT for side in (left, right)) or not _aligned(left, right)


def _typical_aspect(side: Floats) -> float:
    return float(np.median((side[:, 2] - side[:, 0]) / np.maximum(side[:, 3] - side[:, 1], 1)))


def _aligned(left: Floats, right: Floats) -> bool:
    """Whether most lines of the shorter side stand in one row with a line of the other, as table cells do."""
    few, many = sorted((left, right), key=len)
    tolerance = 0.3 * float(np.median(few[:, 3] - few[:, 1]))
    distance = np.abs(_middle(few)[:, None] - _middle(many)[None, :]).min(axis=1)
    return bool((distance <= tolerance).mean() > 0.5)  # noqa: PLR2004 - most is more than half


def _rows(rectangles: Floats, region: Indices) -> list[int]:
    """Top to bottom; boxes whose middle lies within the row's first box stand in one row, left to right."""
    rows: list[list[int]] = []
    for index in region[np.argsort(_middle(rectangles[region]), kind="stable")]:
        middle = float(_middle(rectangles[index][None])[0])
        if rows and middle <= _row_end(rectangles[rows[-1][0]]):
            rows[-1].append(int(index))
        else:
            rows.append([int(index)])
    return [index for row in rows for index in sorted(row, key=lambda i: float(rectangles[i, 0]))]


def _row_end(rectangle: Floats) -> float:
    """Half a box's half height below its middle."""
    return float(rectangle[1] + 0.75 * (rectangle[3] - rectangle[1]))
