"""A white sheet that remembers what is written on it, and where."""

import random
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

from tests.bench.fonts import font

Point = tuple[float, float]
Polygon = tuple[Point, Point, Point, Point]


@dataclass(frozen=True, slots=True)
class Line:
    """Text and where it is: corners in pixels, clockwise from where reading starts."""

    text: str
    polygon: Polygon


@dataclass(frozen=True, slots=True)
class Written:
    """An image (RGB) and its lines in reading order."""

    image: Image.Image
    lines: tuple[Line, ...]


class Sheet:
    """A white image of `width` x `height` pixels with text of one language and basic size."""

    def __init__(self, width: int, height: int, language: str, size: int, rng: random.Random) -> None:
        self.width, self.height, self.language, self.size, self.rng = width, height, language, size, rng
        self.image = Image.new("RGB", (width, height), "white")
        self.draw = ImageDraw.Draw(self.image)
        self._variant = rng.randrange(2)
        self._lines: list[Line] = []

    def font(self, style: str, scale: float = 1.0) -> ImageFont.FreeTypeFont:
        """A font of this sheet, `scale` times the basic size."""
        return font(self.language, style, self._variant, round(self.size * scale))

    def write(
        self, x: float, y: float, text: str, face: ImageFont.FreeTypeFont, fill: str = "black"
    ) -> float:
        """Write a line with its baseline's left end at (x, y) in pixels; returns its width."""
        left, top, right, bottom = self.draw.textbbox((x, y), text, font=face, anchor="ls")
        pad = 0.08 * face.size
        x0, y0, x1, y1 = left - pad, top - pad, right + pad, bottom + pad
        self.draw.text((x, y), text, font=face, fill=fill, anchor="ls")
        self._lines.append(Line(text, ((x0, y0), (x1, y0), (x1, y1), (x0, y1))))
        return right - left

    def write_right(self, x: float, y: float, text: str, face: ImageFont.FreeTypeFont) -> None:
        """Write a line that ends at x."""
        self.write(x - face.getlength(text), y, text, face)

    def written(self) -> Written:
        """What is on the sheet so far; reading order is the order of writing."""
        return Written(self.image, tuple(self._lines))
