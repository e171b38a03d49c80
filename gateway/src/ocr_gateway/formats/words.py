"""The words and paragraphs of a page, and where they stand."""

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from ocr_wire.result import Line, Page, Point, Word

Box = tuple[float, float, float, float]
Pixels = tuple[int, int, int, int]


@dataclass(frozen=True)
class Block:
    """A paragraph: its number on the page, its lines, and the index of the first of them on the page."""

    number: int
    first: int
    lines: tuple[Line, ...]

    @property
    def bbox(self) -> Box:
        """The upright hull of the lines, `(x0, y0, x1, y1)`."""
        return hull(line.bbox for line in self.lines)


def blocks_of(page: Page) -> Iterator[Block]:
    """The paragraphs in reading order."""
    for number, members in groupby(enumerate(page.lines), lambda member: member[1].block):
        places, lines = zip(*members, strict=True)
        yield Block(number, places[0], lines)


def words_of(line: Line) -> tuple[Word, ...]:
    """The line's words; where it was read as a whole they share its box by their number of characters."""
    if line.words:
        return line.words
    size = len(line.text)
    found = re.finditer(r"\S+", line.text)
    return tuple(_part(line, word.group(), word.start() / size, word.end() / size) for word in found)


def hull(boxes: Iterable[Box]) -> Box:
    """The smallest upright box around at least one box."""
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)


def whole(bbox: Box, page: Page) -> Pixels:
    """The box in whole pixels, grown to them, within the page: `(x0, y0, x1, y1)`."""
    left, top, right, bottom = bbox
    return (
        _within(math.floor(left), page.width),
        _within(math.floor(top), page.height),
        _within(math.ceil(right), page.width),
        _within(math.ceil(bottom), page.height),
    )


def corners(word: Word, page: Page) -> tuple[tuple[int, int], ...]:
    """The polygon in whole pixels within the page."""
    return tuple((_within(round(x), page.width), _within(round(y), page.height)) for x, y in word.polygon)


def turned(word: Word) -> float:
    """How far it is turned clockwise from upright, in degrees, over -180 to 180."""
    (left, top), (right, bottom) = word.polygon[0], word.polygon[1]
    return math.degrees(math.atan2(bottom - top, right - left))


def _part(line: Line, text: str, begin: float, end: float) -> Word:
    upper_left, upper_right, lower_right, lower_left = line.polygon
    polygon = (
        _between(upper_left, upper_right, begin),
        _between(upper_left, upper_right, end),
        _between(lower_left, lower_right, end),
        _between(lower_left, lower_right, begin),
    )
    bbox = hull((x, y, x, y) for x, y in polygon)
    return Word(text=text, confidence=line.confidence, polygon=polygon, bbox=bbox)


def _between(begin: Point, end: Point, share: float) -> Point:
    return round(begin[0] + (end[0] - begin[0]) * share, 1), round(begin[1] + (end[1] - begin[1]) * share, 1)


def _within(place: int, size: int) -> int:
    return min(max(place, 0), size)
