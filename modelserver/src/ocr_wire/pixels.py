"""Decoded images of any mode to upright RGB."""

import math
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
from PIL import Image

Pixels = npt.NDArray[np.uint8]

_ORIENTATION = 0x0112
_STRIP_PIXELS = 1 << 20
# Nothing is seen of ink that is lighter than this on white paper.
_FAINT = 240
_MOST_REDUCTION = 8  # strips are so many rows or a multiple, so that they reduce like the whole

# EXIF 2.3, tag 0x0112: what has to be done to a stored image to see it upright.
_UPRIGHT: dict[int, Callable[[Pixels], Pixels]] = {
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: np.rot90(a, 1),
}


def orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; 1 where there is none to be read."""
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # noqa: BLE001 - a damaged EXIF block raises anything, and is no reason not to read the image
        return 1


def on_its_side(turn: int) -> bool:
    """Whether the EXIF orientation `turn` swaps width and height."""
    return 5 <= turn <= 8  # noqa: PLR2004 - EXIF's numbers, see _UPRIGHT


def upright_rgb(image: Image.Image, turn: int, factor: int = 1) -> Pixels:
    """The image as uint8 RGB (height, width, 3), sides divided by `factor`.

    Transparency is laid over white, or over black when nothing would be seen on white. `turn` is the EXIF
    orientation, `factor` a power of two up to 8. Strip by strip, so that beside the image and the result
    little memory is taken, whatever the mode.
    """
    width, height = (math.ceil(side / factor) for side in image.size)
    levels = _levels(image) if image.mode in {"I", "F"} else (0.0, 255.0)
    pixels = np.empty((height, width, 3), np.uint8)

    def lay(paper: str) -> None:
        for top, strip in _strips(image):
            rows = np.asarray(_rgb(strip, factor, levels, paper))
            pixels[top // factor : top // factor + len(rows)] = rows

    lay("white")
    if image.has_transparency_data and pixels.min() >= _FAINT:
        lay("black")
    return upright(pixels, turn)


def upright(pixels: Pixels, turn: int) -> Pixels:
    """The pixels turned and mirrored as the EXIF orientation `turn` asks for."""
    return np.ascontiguousarray(_UPRIGHT[turn](pixels) if turn in _UPRIGHT else pixels)


def _strips(image: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    """The image in strips from its top, each with its first row."""
    width, height = image.size
    rows = _MOST_REDUCTION * max(1, _STRIP_PIXELS // (width * _MOST_REDUCTION))
    for top in range(0, height, rows):
        yield top, image.crop((0, top, width, min(height, top + rows)))


def _rgb(image: Image.Image, factor: int, levels: tuple[float, float], paper: str) -> Image.Image:
    """Any mode to RGB, transparency over that colour, deep samples to 8 bits, reduced by the factor."""
    if image.mode.startswith("I;16"):  # which Pillow cannot reduce; by the high byte
        image = Image.fromarray((np.asarray(image).astype(np.uint16, copy=False) >> 8).astype(np.uint8))
    if image.mode in {"1", "P", "PA"}:
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    if factor > 1:
        image = image.reduce(factor)
    if image.mode in {"I", "F"}:
        image = Image.fromarray(_stretched(image, levels))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        page = Image.new("RGB", image.size, paper)
        page.paste(image, mask=image.getchannel("A"))
        return page
    return image.convert("RGB")


def _levels(image: Image.Image) -> tuple[float, float]:
    """The least and the largest of 32-bit or float samples, whose range no header names."""
    strips = (strip for _, strip in _strips(image))
    extremes = [(float(values.min()), float(values.max())) for values in map(_finite, strips)]
    return min(low for low, _ in extremes), max(high for _, high in extremes)


def _stretched(image: Image.Image, levels: tuple[float, float]) -> Pixels:
    low, high = levels
    return ((_finite(image) - low) * (255 / (high - low or 1))).astype(np.uint8)


def _finite(image: Image.Image) -> npt.NDArray[np.float32]:
    return np.nan_to_num(np.asarray(image, np.float32))
