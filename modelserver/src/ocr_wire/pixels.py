"""Decoded images of any mode to upright RGB."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from PIL import Image

Pixels = npt.NDArray[np.uint8]

_ORIENTATION = 0x0112

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


def upright_rgb(image: Image.Image, turn: int, factor: int = 1) -> Pixels:
    """The image as uint8 RGB (height, width, 3): transparency over white, sides divided by `factor`.

    `turn` is its EXIF orientation.
    """
    pixels = np.asarray(_rgb(image, factor))
    return np.ascontiguousarray(_UPRIGHT[turn](pixels) if turn in _UPRIGHT else pixels)


def _rgb(image: Image.Image, factor: int) -> Image.Image:
    """Any mode to RGB, transparency over white, deep samples to 8 bits, reduced by the factor."""
    if image.mode.startswith("I;16"):  # which Pillow cannot reduce
        image = Image.fromarray(_eight_bits(np.asarray(image)))
    if image.mode in {"1", "P", "PA"}:
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    if factor > 1:
        image = image.reduce(factor)
    if image.mode in {"I", "F"}:
        image = Image.fromarray(_eight_bits(np.asarray(image)))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        paper = Image.new("RGB", image.size, "white")
        paper.paste(image, mask=image.getchannel("A"))
        return paper
    return image.convert("RGB")


def _eight_bits(samples: npt.NDArray[np.generic]) -> Pixels:
    """16-bit samples by their high byte; 32-bit and float samples, whose range no header names, stretched."""
    if samples.dtype.itemsize == 2:  # noqa: PLR2004 - two bytes are 16 bits
        return (samples.astype(np.uint16, copy=False) >> 8).astype(np.uint8)
    values = np.nan_to_num(samples.astype(np.float32))
    low, high = float(values.min()), float(values.max())
    return ((values - low) * (255 / (high - low or 1))).astype(np.uint8)
