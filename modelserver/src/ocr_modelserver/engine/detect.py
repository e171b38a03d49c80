"""Where the text is: a probability map by DBNet, boxes from the map (https://arxiv.org/abs/1911.08947)."""

import math
from collections.abc import Callable, Iterator, Sequence

import cv2
import numpy as np

from ocr_modelserver.engine.arrays import Floats, Pixels
from ocr_modelserver.engine.geometry import blob, resize, sizes
from ocr_modelserver.engine.sessions import Detector, Network

LONG_SIDE = 1280  # of one input of the network
_SHORT_SIDE = 736  # small images are enlarged towards this ...
_MAX_ENLARGEMENT = 3.0  # ... but not more than this often
_STRIP_ASPECT = 2.5  # anything longer is read in tiles: at LONG_SIDE its text would be too small
_PROPORTION = 928 / 1280  # A4; the network takes some 220 bytes of memory a pixel
_SMALL_PRINT = 14.0  # median height of boxes in pixels of the map, under which a closer look finds more
_MAX_MAP_PIXELS = 8_000_000
_OVERLAP = 128
_STRIDE = 32

_TEXT_PROBABILITY = 0.3
_BOX_PROBABILITY = 0.5
_UNCLIP = 1.6
_MIN_SIDE = 3.0
_MAX_BOXES = 3000
_BLANK_CONTRAST = 10


def detect(detector: Detector, image: Pixels, checkpoint: Callable[[], None]) -> Floats:
    """The boxes of the text lines of a page, as (n, 4, 2) in the page's pixels; reading is left to right.

    Small print is looked for again at `LONG_SIDE`. `checkpoint` is called between tiles and may raise to
    give up.
    """
    height, width = image.shape[:2]
    size = map_size(width, height, detector.long_side)
    boxes = _boxes(detector.network, image, size, checkpoint)
    closer = map_size(width, height, LONG_SIDE)
    if closer != size and len(boxes) and _median_height(boxes) * size[0] / width < _SMALL_PRINT:
        boxes = _boxes(detector.network, image, closer, checkpoint)
    return boxes


def _boxes(network: Network, image: Pixels, size: tuple[int, int], checkpoint: Callable[[], None]) -> Floats:
    """The boxes (n, 4, 2) that the network finds in the image at that width and height."""
    height, width = image.shape[:2]
    scaled = resize(image, *size)
    if int(scaled.max()) - int(scaled.min()) < _BLANK_CONTRAST:
        return np.zeros((0, 4, 2), np.float32)
    probability = np.zeros(scaled.shape[:2], np.float32)
    for rows, columns in _tiles(*scaled.shape[:2]):
        checkpoint()
        seen = network(blob([scaled[rows, columns]]))[0, 0]
        np.maximum(probability[rows, columns], seen, out=probability[rows, columns])
    boxes = boxes_of_map(probability)
    boxes *= (width / scaled.shape[1], height / scaled.shape[0])
    return np.clip(boxes, 0, (width, height)).astype(np.float32)


def _median_height(boxes: Floats) -> float:
    """Of the shorter sides: a page on its side has its lines in boxes taller than wide."""
    return float(np.median(sizes(boxes).min(axis=1)))


def map_size(width: int, height: int, long_side: int) -> tuple[int, int]:
    """Width and height of the probability map of a page: multiples of 32, about in the page's proportion."""
    long, short = max(width, height), min(width, height)
    scale = min(_MAX_ENLARGEMENT, max(1.0, _SHORT_SIDE / short))
    if long > _STRIP_ASPECT * short:
        scale = min(scale, math.sqrt(_MAX_MAP_PIXELS / (long * short)), max(1.0, LONG_SIDE / long))
        scale = min(scale, LONG_SIDE * _PROPORTION / short)
    else:
        scale = min(scale, long_side / long, long_side * math.sqrt(_PROPORTION / (long * short)))
    return _stride(width * scale), _stride(height * scale)


def boxes_of_map(probability: Floats) -> Floats:
    """Boxes (n, 4, 2) of a probability map (h, w), grown from the text's kernels to its edges."""
    mask = (probability > _TEXT_PROBABILITY).astype(np.uint8)
    contours, _ = cv2.findContours(
        cv2.dilate(mask, np.ones((2, 2), np.uint8)), cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE
    )
    found = []
    for contour in sorted(contours, key=len, reverse=True)[:_MAX_BOXES]:
        centre, (w, h), angle = cv2.minAreaRect(contour)
        if min(w, h) < _MIN_SIDE:
            continue
        if _mean_inside(probability, _corners(centre, w, h, angle)) < _BOX_PROBABILITY:
            continue
        # A rectangle moved outwards by area * ratio / perimeter, as the network was trained to shrink it.
        grow = w * h * _UNCLIP / (2 * (w + h))
        found.append(clockwise(_corners(centre, w + 2 * grow, h + 2 * grow, angle)))
    return np.array(found, np.float32).reshape(-1, 4, 2)


def clockwise(corners: Floats) -> Floats:
    """The four corners of a rectangle, clockwise on the page, from the one at the top left."""
    by_x = corners[np.argsort(corners[:, 0], kind="stable")]
    top_left, bottom_left = sorted(by_x[:2], key=lambda point: float(point[1]))
    top_right, bottom_right = sorted(by_x[2:], key=lambda point: float(point[1]))
    return np.array([top_left, top_right, bottom_right, bottom_left], np.float32)


def _corners(centre: Sequence[float], width: float, height: float, angle: float) -> Floats:
    return np.asarray(cv2.boxPoints((centre, (width, height), angle)), np.float32)


def _mean_inside(probability: Floats, corners: Floats) -> float:
    height, width = probability.shape
    x0, y0 = np.clip(np.floor(corners.min(axis=0)), 0, (width - 1, height - 1)).astype(int)
    x1, y1 = np.clip(np.ceil(corners.max(axis=0)), 0, (width - 1, height - 1)).astype(int)
    mask = np.zeros((y1 - y0 + 1, x1 - x0 + 1), np.uint8)
    cv2.fillPoly(mask, [(corners - (x0, y0)).astype(np.int32)], 1)
    return float(cv2.mean(probability[y0 : y1 + 1, x0 : x1 + 1], mask)[0])


def _stride(side: float) -> int:
    return max(_STRIDE, round(side / _STRIDE) * _STRIDE)


def _tiles(height: int, width: int) -> Iterator[tuple[slice, slice]]:
    for rows in _spans(height):
        for columns in _spans(width):
            yield rows, columns


def _spans(side: int) -> Iterator[slice]:
    """Pieces of at most LONG_SIDE that overlap, all of one length; multiples of 32 stay so."""
    if side <= LONG_SIDE:
        yield slice(0, side)
        return
    for start in range(0, side - _OVERLAP, LONG_SIDE - _OVERLAP):
        begin = min(start, side - LONG_SIDE)
        yield slice(begin, begin + LONG_SIDE)
