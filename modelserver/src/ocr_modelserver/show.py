"""What was read, drawn over the picture: to look at, not to be read by programs."""

import colorsys
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from ocr_wire.pixels import Pixels
from ocr_wire.raster import Limits, reduced_frames
from ocr_wire.result import Document, Page, Point

_FADED = 0.55
_GOLDEN = 0.618  # turns of the colour circle: neighbours in number are far apart in colour
_MOST_PIXELS = 9_000_000  # of a picture; a larger one is reduced by 2, 4 ...

Colour = tuple[int, int, int]


def write_pictures(path: Path, data: bytes, document: Document, limits: Limits) -> None:
    """Write `PATH.ocr.png` for an image file that was read from `path`, `PATH.2.ocr.png` for its second page.

    Raises:
        OSError: it cannot be written.
    """
    frames = reduced_frames(data, limits, _MOST_PIXELS)
    for number, (frame, page) in enumerate(zip(frames, document.pages, strict=True), 1):
        suffix = ".ocr.png" if number == 1 else f".{number}.ocr.png"
        draw_page(frame.pixels, page).save(path.with_name(path.name + suffix))


def draw_page(pixels: Pixels, page: Page) -> Image.Image:
    """The faded picture (h, w, 3) with lines, numbered as they are read, and words; a colour a paragraph."""
    image = Image.fromarray(pixels)
    image = Image.blend(image, Image.new("RGB", image.size, "white"), _FADED)
    scale = (image.width / page.width, image.height / page.height)
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(max(10, image.height // 90))
    for number, line in enumerate(page.lines, 1):
        colour, corners = _colour(line.block), _scaled(line.polygon, scale)
        for word in line.words:
            draw.polygon(_scaled(word.polygon, scale), outline=colour)
        draw.polygon(corners, outline=colour, width=2)
        draw.text(corners[0], str(number), colour, font, anchor="rs", stroke_width=1, stroke_fill="white")
    return image


def _colour(block: int) -> Colour:
    red, green, blue = colorsys.hsv_to_rgb(block * _GOLDEN % 1, 1, 0.75)
    return round(255 * red), round(255 * green), round(255 * blue)


def _scaled(polygon: Sequence[Point], scale: Point) -> list[Point]:
    return [(x * scale[0], y * scale[1]) for x, y in polygon]
