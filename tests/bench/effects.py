"""What happens to a page between the printer and the file: turns, skew, shadow, noise.

Each function takes and gives an image with its lines; their polygons follow the pixels.
"""

import math
import random
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from PIL import Image

from tests.bench.sheet import Line, Point, Written

_TRANSPOSE = {
    90: Image.Transpose.ROTATE_90,
    180: Image.Transpose.ROTATE_180,
    270: Image.Transpose.ROTATE_270,
}


def turned(page: Written, degrees: int) -> Written:
    """The page turned anticlockwise by 90, 180 or 270 degrees."""
    width, height = page.image.size
    places: dict[int, Callable[[Point], Point]] = {
        90: lambda p: (p[1], width - p[0]),
        180: lambda p: (width - p[0], height - p[1]),
        270: lambda p: (height - p[1], p[0]),
    }
    return Written(page.image.transpose(_TRANSPOSE[degrees]), _moved(page.lines, places[degrees]))


def skewed(page: Written, degrees: float) -> Written:
    """The page turned anticlockwise by a few degrees on a larger white sheet."""
    image = page.image.rotate(degrees, Image.Resampling.BICUBIC, expand=True, fillcolor="white")
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    (old_x, old_y), (new_x, new_y) = ((side / 2 for side in each.size) for each in (page.image, image))

    def place(point: Point) -> Point:
        x, y = point[0] - old_x, point[1] - old_y
        return new_x + cos * x + sin * y, new_y - sin * x + cos * y

    return Written(image, _moved(page.lines, place))


def _moved(lines: tuple[Line, ...], place: Callable[[Point], Point]) -> tuple[Line, ...]:
    def moved(line: Line) -> Line:
        a, b, c, d = line.polygon
        return replace(line, polygon=(place(a), place(b), place(c), place(d)))

    return tuple(moved(line) for line in lines)


def shaded(page: Written, rng: random.Random) -> Written:
    """A soft shadow that falls over the page from one side, and warm light."""
    width, height = page.image.size
    angle = rng.uniform(0, math.tau)
    y, x = np.mgrid[0:height, 0:width]
    across = (x / width - 0.5) * math.cos(angle) + (y / height - 0.5) * math.sin(angle)
    light = 0.45 + 0.5 / (1 + np.exp(-12 * across))
    warm = light[..., None] * np.array([1.0, 0.97, 0.88])
    return _with_pixels(page, np.asarray(page.image) * warm)


def noisy(page: Written, rng: random.Random, sigma: float) -> Written:
    """Gaussian noise of `sigma` grey levels."""
    noise = np.random.default_rng(rng.getrandbits(64)).normal(
        0, sigma, (page.image.height, page.image.width, 1)
    )
    return _with_pixels(page, np.asarray(page.image) + noise)


def _with_pixels(page: Written, values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Written:
    return replace(page, image=Image.fromarray(np.clip(values, 0, 255).astype(np.uint8)))
