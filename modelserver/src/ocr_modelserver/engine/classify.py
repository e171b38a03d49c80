"""Which way up the page is: one vote of the whole page, never of a single line.

The network's verdict on one line is often wrong, and on an upright page a wrong one destroys the line
(word-F1 .948 instead of 1.000 on a filing); the page's lines together are right.
"""

import numpy as np

from ocr_modelserver.engine.geometry import Pixels, blob, crop, resize, sizes
from ocr_modelserver.engine.sessions import Floats, Network

_HEIGHT, _WIDTH = 48, 192
_VOTERS = 12
_TALL = 4.0  # height to width; a lone I has up to 3.8, and says nothing about the page


def runs_downwards(boxes: Floats) -> bool:
    """Whether most of the text, by area, stands in boxes much taller than wide: a page on its side."""
    width, height = sizes(boxes).T
    area = width * height
    return bool(area[height >= _TALL * width].sum() > area.sum() / 2)


def upside_down(network: Network, image: Pixels, boxes: Floats) -> bool:
    """Whether the page's longest lines, weighted by the network's certainty, say that it is upside down."""
    if not len(boxes):
        return False
    width = sizes(boxes)[:, 0]
    longest = boxes[np.argsort(-width, kind="stable")[:_VOTERS]]
    votes = network(blob([_line(crop(image, box)) for box in longest]))
    return bool((votes[:, 1] - votes[:, 0]).sum() > 0)


def _line(pixels: Pixels) -> Pixels:
    """The start of a line, at the network's size; a short line is padded with grey."""
    height, width = pixels.shape[:2]
    scaled = resize(pixels, max(1, min(_WIDTH, round(_HEIGHT * width / height))), _HEIGHT)
    padded = np.full((_HEIGHT, _WIDTH, 3), 128, np.uint8)
    padded[:, : scaled.shape[1]] = scaled
    return padded
