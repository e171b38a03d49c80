"""What the lines of a page say: pixels to text by a CTC network."""

import hashlib
import math
from collections.abc import Callable, Iterator

import numpy as np

from ocr_modelserver.engine.arrays import Floats, Pixels
from ocr_modelserver.engine.geometry import blob, crop, resize, sizes, turn_reading
from ocr_modelserver.engine.reading import NOTHING, Reading, decode, joined
from ocr_modelserver.engine.sessions import Recogniser, Second

HEIGHT = 48
BUCKET = 32
MAX_WIDTH = 2560  # probabilities of 320 steps x 18,710 characters take 24 MB inside the network
_GREY = 128
_TALL = 1.5
_BLANK_CONTRAST = 10


class LineReader:
    """Reads boxes (4, 2) of one page with one recogniser; equal pixels are read once.

    `checkpoint` is called before every line and may raise to give up.
    """

    def __init__(self, recogniser: Recogniser, image: Pixels, checkpoint: Callable[[], None]) -> None:
        self._recogniser = recogniser
        self._image = image
        self._checkpoint = checkpoint
        self._known: dict[bytes, Reading] = {}

    def __call__(self, box: Floats) -> Reading:
        pixels = np.ascontiguousarray(crop(self._image, box))
        key = hashlib.sha256(pixels.data).digest() + bytes(str(pixels.shape), "ascii")
        if key not in self._known:
            self._checkpoint()
            self._known[key] = read_line(self._recogniser, pixels)
        return self._known[key]

    def by(self, recogniser: Recogniser) -> "LineReader":
        """A reader of the same page with another recogniser."""
        return LineReader(recogniser, self._image, self._checkpoint)


def recognise(read: LineReader, second: Second | None, boxes: Floats) -> list[tuple[Floats, Reading]]:
    """Read every box of a page (n, 4, 2), and what is read in doubt by the second recogniser too.

    The result is in the boxes' order; a box may come back turned, see `_read_box`.
    """
    results = _read_boxes(read, boxes)
    if second:
        unsure = [n for n, (box, reading) in enumerate(results) if second.doubt.holds(box, reading)]
        again = _read_boxes(read.by(second.recogniser), boxes[unsure])
        for n, result in zip(unsure, again, strict=True):
            results[n] = result
    return results


def _read_boxes(read: Callable[[Floats], Reading], boxes: Floats) -> list[tuple[Floats, Reading]]:
    results: dict[int, tuple[Floats, Reading]] = {}
    width, height = sizes(boxes).T
    # The widest first: memory is taken once, at the largest size.
    for index in np.argsort(-(width / np.maximum(height, 1)), kind="stable"):
        results[int(index)] = _read_box(read, boxes[index])
    return [results[index] for index in range(len(boxes))]


def _read_box(read: Callable[[Floats], Reading], box: Floats) -> tuple[Floats, Reading]:
    """A box taller than wide may be a lone character or text that runs downwards. It is read both ways; the
    second counts if it is surer and has more than one character (a lone stroke lies down as a dash), and its
    box comes back with the corners of that reading.
    """
    reading = read(box)
    width, height = sizes(box[None])[0]
    if height >= _TALL * width:
        lying = turn_reading(box[None], 1)[0]
        second = read(lying)
        if len(second.text) > 1 and second.confidence > reading.confidence:
            return lying, second
    return box, reading


def read_line(recogniser: Recogniser, pixels: Pixels) -> Reading:
    """Read one straightened line, uint8 (h, w, 3); one that is too long for the network in pieces."""
    if int(pixels.max()) - int(pixels.min()) < _BLANK_CONTRAST:
        return NOTHING
    height, width = pixels.shape[:2]
    line = resize(pixels, max(1, math.ceil(HEIGHT * width / height)), HEIGHT)
    return joined([_read_piece(recogniser, piece) for piece in _pieces(line)])


def _read_piece(recogniser: Recogniser, piece: Pixels) -> Reading:
    return decode(*recogniser.network(blob([_padded(piece)])), recogniser.characters)


def _padded(line: Pixels) -> Pixels:
    width = math.ceil(line.shape[1] / BUCKET) * BUCKET
    padded = np.full((HEIGHT, width, 3), _GREY, np.uint8)
    padded[:, : line.shape[1]] = line
    return padded


def _pieces(line: Pixels) -> Iterator[Pixels]:
    """Cut a long line where it has the least ink, in the last quarter before the network's width."""
    while line.shape[1] > MAX_WIDTH:
        earliest = MAX_WIDTH * 3 // 4
        window = line[:, earliest:MAX_WIDTH].astype(np.float32).mean(axis=2)
        ink = np.convolve(np.ptp(window, axis=0), np.ones(9) / 9, mode="same")
        cut = earliest + int(ink.argmin())
        yield line[:, :cut]
        line = line[:, cut:]
    yield line
