"""Areas of convex polygons; y runs down, corners clockwise as seen."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from tests.bench.sheet import Point


def area(polygon: Sequence[Point]) -> float:
    """In square pixels; positive whichever way the corners run."""
    return abs(_signed(polygon))


def bounds(polygon: Sequence[Point]) -> tuple[float, float, float, float]:
    """(x0, y0, x1, y1) of the upright hull."""
    xs, ys = [x for x, _ in polygon], [y for _, y in polygon]
    return min(xs), min(ys), max(xs), max(ys)


def clipped(polygon: Sequence[Point], window: Sequence[Point]) -> list[Point]:
    """The part of a polygon within a convex window (Sutherland and Hodgman)."""
    sides = list(pairwise([*window, window[0]]))
    if _signed(window) < 0:
        sides = [(b, a) for a, b in sides]
    part = list(polygon)
    for start, end in sides:
        part = list(_clipped_by_side(part, start, end))
    return part


def _signed(polygon: Sequence[Point]) -> float:
    return sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise([*polygon, polygon[0]])) / 2 if polygon else 0.0


def _clipped_by_side(polygon: list[Point], start: Point, end: Point) -> Iterator[Point]:
    def inside(point: Point) -> float:
        return (end[0] - start[0]) * (point[1] - start[1]) - (end[1] - start[1]) * (point[0] - start[0])

    for a, b in pairwise([*polygon, polygon[0]] if polygon else []):
        before, after = inside(a), inside(b)
        if before >= 0:
            yield a
        if (before > 0 > after) or (before < 0 < after):
            part = before / (before - after)
            yield a[0] + part * (b[0] - a[0]), a[1] + part * (b[1] - a[1])
