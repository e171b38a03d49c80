"""Words as the invisible text of a page."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ocr_gateway.formats.pdf.font import DESCENT, WIDTH, Glyphs
from ocr_gateway.formats.pdf.order import Placed, Sheet
from ocr_wire.result import Point

# From pixels, y down, to the page's own points, y up.
Placing = Callable[[float, float], Point]
# Points: what is smaller cannot be marked, and has no direction.
_LEAST = 0.01


@dataclass(frozen=True)
class Run:
    """A word on the page: where its baseline begins, the direction of reading, its width and height."""

    text: str
    start: Point
    along: Point
    width: float
    height: float

    def reach(self, point: Point) -> float:
        """How far along the baseline a point is."""
        return (point[0] - self.start[0]) * self.along[0] + (point[1] - self.start[1]) * self.along[1]


def layer(sheet: Sheet, place: Placing, glyphs: Glyphs, font: str) -> bytes:
    """The content stream that writes the sheet's words at their places, unseen (text rendering mode 3).

    `font` is the name of the invisible font in the page's resources.

    A word's characters are stretched to its width, and the space after it up to the next word of the line.
    """
    parts = ["q BT 3 Tr"]
    for line in sheet.lines:
        runs = [_run(word, place) for word in line if word.text]
        for run, following in zip(runs, (*runs[1:], None), strict=True):
            parts.append(f"{font} {run.height:.3f} Tf")
            parts.extend(_show(run, following, glyphs))
    return ("\n".join((*parts, "ET Q")) + "\n").encode()


def _run(word: Placed, place: Placing) -> Run:
    upper_left, upper_right, _, lower_left = (place(x, y) for x, y in word.corners)
    width, height = math.dist(upper_left, upper_right), math.dist(upper_left, lower_left)
    along = (1.0, 0.0)
    if width > _LEAST:
        along = ((upper_right[0] - upper_left[0]) / width, (upper_right[1] - upper_left[1]) / width)
    start = (
        lower_left[0] + (upper_left[0] - lower_left[0]) * DESCENT,
        lower_left[1] + (upper_left[1] - lower_left[1]) * DESCENT,
    )
    return Run(word.text, start, along, max(width, _LEAST), max(height, _LEAST))


def _show(run: Run, following: Run | None, glyphs: Glyphs) -> Iterator[str]:
    (cos, sin), (x, y) = run.along, run.start
    yield f"{cos:.5f} {sin:.5f} {-sin:.5f} {cos:.5f} {x:.3f} {y:.3f} Tm"
    yield _stretched(run.text, run.width, run.height, glyphs)
    if following:
        yield _stretched(" ", max(run.reach(following.start) - run.width, _LEAST), run.height, glyphs)


def _stretched(text: str, width: float, height: float, glyphs: Glyphs) -> str:
    """Show the text with a horizontal scaling that makes it that wide."""
    percent = 100 * width / (len(text) * WIDTH * height)
    return f"{percent:.3f} Tz <{glyphs.encode(text)}> Tj"
