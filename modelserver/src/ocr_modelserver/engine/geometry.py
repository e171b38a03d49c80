"""Boxes: corners, sizes, turns and crops."""

import cv2
import numpy as np

from ocr_modelserver.engine.arrays import Floats, Pixels

_STRAIGHT = 0.5  # pixels by which a box may lean and still be cut out without interpolation


def sizes(boxes: Floats) -> Floats:
    """Width along the reading direction and height across it, of each box: (n, 2)."""
    along = np.linalg.norm(boxes[:, 1] - boxes[:, 0], axis=1)
    across = np.linalg.norm(boxes[:, 3] - boxes[:, 0], axis=1)
    return np.stack([along, across], axis=1)


def turn_reading(boxes: Floats, quarters: int) -> Floats:
    """The same boxes with reading starting `quarters` corners further on, clockwise.

    1 is for text that runs downwards (the page has to be turned counter-clockwise to be read), 2 for
    text that is upside down.
    """
    return np.roll(boxes, -quarters, axis=1)


def turn_points(points: Floats, quarters: int, width: int, height: int) -> Floats:
    """Points (..., 2) of a page of width x height, as they lie when it is turned counter-clockwise."""
    x, y = points[..., 0], points[..., 1]
    turned = ((x, y), (y, width - x), (width - x, height - y), (height - y, x))[quarters % 4]
    return np.stack(turned, axis=-1)


def parts_of(box: Floats, shares: Floats) -> Floats:
    """Parts (m, 4, 2) of a box (4, 2), by shares of its length (m, 2), 0 to 1 from where reading starts."""
    first, along = box[[0, 3]], box[[1, 2]] - box[[0, 3]]
    start, end = (first + along * share[:, None, None] for share in shares.T)
    return np.stack([start[:, 0], end[:, 0], end[:, 1], start[:, 1]], axis=1)


def crop(image: Pixels, box: Floats) -> Pixels:
    """The box's pixels, straightened, with reading from left to right: uint8 (h, w, 3), never empty."""
    (x0, y0), (x1, y1) = box.min(axis=0), box.max(axis=0)
    height, width = image.shape[:2]
    left, top = min(max(0, int(x0)), width - 1), min(max(0, int(y0)), height - 1)
    upright = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], dtype=np.float32)
    if np.abs(box - upright).max() <= _STRAIGHT:
        return image[top : max(top + 1, round(float(y1))), left : max(left + 1, round(float(x1)))]
    width, height = (max(1, round(float(side))) for side in sizes(box[None])[0])
    # Warping a view around the box: OpenCV refuses images of 32767 pixels and more a side.
    part = image[top : int(y1) + 2, left : int(x1) + 2]
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
    matrix = cv2.getPerspectiveTransform((box - (left, top)).astype(np.float32), target)
    straight = cv2.warpPerspective(
        part, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(straight, np.uint8)


def resize(image: Pixels, width: int, height: int) -> Pixels:
    """The image at another size; averaged where it shrinks much, so that thin strokes survive."""
    shrinks = image.shape[0] > 2 * height or image.shape[1] > 2 * width
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (width, height), interpolation=method), np.uint8)


def blob(images: list[Pixels]) -> Floats:
    """RGB images of one size as the networks take them: float32 BGR (n, 3, h, w), -1 to 1."""
    batch = cv2.dnn.blobFromImages(images, 1 / 127.5, mean=(127.5, 127.5, 127.5), swapRB=True)
    return np.asarray(batch, np.float32)
