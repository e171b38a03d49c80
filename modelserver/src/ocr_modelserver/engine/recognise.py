"""What the lines of a page say: pixels to text by CTC networks."""

import hashlib
import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from ocr_modelserver.engine.arrays import Floats, Pixels
from ocr_modelserver.engine.doubt import Part, parts_of
from ocr_modelserver.engine.geometry import blob, crop, resize, sizes, turn_reading
from ocr_modelserver.engine.ink import Ink, ink_of
from ocr_modelserver.engine.reading import STEP, Letter, Reading, decode, shifted, trimmed
from ocr_modelserver.engine.sessions import Recogniser, Second
from ocr_modelserver.engine.spaces import with_spaces
from ocr_modelserver.spread import Map

HEIGHT = 48
MAX_WIDTH = 2560  # probabilities of 320 steps x 18,710 characters take 24 MB inside the network
_GREY = 128
_TALL = 1.5
_BLANK_CONTRAST = 10


class LineReader:
    """Reads boxes (4, 2) of one page with one recogniser; equal pixels are read once, or once by each of
    several threads that meet them at the same time.

    `checkpoint` is called before every line and may raise to give up.
    """

    def __init__(self, recogniser: Recogniser, image: Pixels, checkpoint: Callable[[], None]) -> None:
        self._recogniser = recogniser
        self._image = image
        self._checkpoint = checkpoint
        self._known: dict[bytes, Reading] = {}

    def __call__(self, box: Floats) -> Reading:
        """What the box says."""
        return self._once(line_of(self._image, box), lambda line: read_line(self._recogniser, line))

    def again(self, box: Floats, reading: Reading, second: Second) -> Reading:
        """What the box says when what is in doubt of its reading is read by the second recogniser."""
        parts = parts_of(reading.letters, reading.ink, second.doubt)
        if not any(part.doubtful for part in parts):
            return reading
        line = line_of(self._image, box)
        return self._once(line, lambda line: _read_again(second, line, parts, reading.ink), b"again")

    def _once(self, line: Pixels, read: Callable[[Pixels], Reading], how: bytes = b"") -> Reading:
        key = how + hashlib.sha256(line.tobytes()).digest() + line.shape[1].to_bytes(4)
        if key not in self._known:
            self._checkpoint()
            self._known[key] = read(line)
        return self._known[key]


def recognise(
    read: LineReader, second: Second | None, boxes: Floats, spread: Map = map
) -> list[tuple[Floats, Reading]]:
    """Read every box of a page (n, 4, 2), and what is read in doubt by the second recogniser too.

    The result is in the boxes' order, however `spread` shares the boxes among threads; a box may come back
    turned, see `_read_box`.
    """

    def once_or_twice(index: int) -> tuple[Floats, Reading]:
        box, reading = _read_box(read, boxes[index])
        return box, read.again(box, reading, second) if second else reading

    width, height = sizes(boxes).T
    # The widest first: memory is taken once, at the largest size, and who shares the lines ends together.
    widest_first = np.argsort(-(width / np.maximum(height, 1)), kind="stable").tolist()
    results = dict(zip(widest_first, spread(once_or_twice, widest_first), strict=True))
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


def line_of(image: Pixels, box: Floats) -> Pixels:
    """The line in a box, straightened and at the networks' height: uint8 (48, w, 3)."""
    pixels = crop(image, box)
    height, width = pixels.shape[:2]
    return resize(pixels, max(1, math.ceil(HEIGHT * width / height)), HEIGHT)


def read_line(recogniser: Recogniser, line: Pixels) -> Reading:
    """Read a line, uint8 (48, w, 3); one that is too long for the network in pieces."""
    if int(line.max()) - int(line.min()) < _BLANK_CONTRAST:
        return Reading()
    letters: list[Letter] = []
    for start, piece in _pieces(line):
        steps = recogniser.network(blob([_padded(piece)]))
        letters += [Letter(" ", start, 1.0), *shifted(decode(*steps, recogniser.characters), start)]
    ink = ink_of(line)
    return Reading(trimmed(with_spaces(trimmed(letters), ink)), ink)


def _read_again(second: Second, line: Pixels, parts: Sequence[Part], ink: Ink) -> Reading:
    """The reading of a line, uint8 (48, w, 3), with what is in doubt read by the second recogniser."""
    letters: list[Letter] = []
    for part in parts:
        found = part.letters
        if part.doubtful:
            better = read_line(second.recogniser, line[:, part.start : part.end])
            found = tuple(shifted(better.letters, part.start)) or found
        letters += [Letter(" ", part.start, 1.0), *found]
    return Reading(trimmed(letters), ink)


def _padded(line: Pixels) -> Pixels:
    width = math.ceil(line.shape[1] / STEP) * STEP
    padded = np.full((HEIGHT, width, 3), _GREY, np.uint8)
    padded[:, : line.shape[1]] = line
    return padded


def _pieces(line: Pixels) -> Iterator[tuple[int, Pixels]]:
    """A line cut where it has the least ink, in the last quarter before the network's width; with starts."""
    start = 0
    while line.shape[1] > MAX_WIDTH:
        earliest = MAX_WIDTH * 3 // 4
        window = line[:, earliest:MAX_WIDTH].astype(np.float32).mean(axis=2)
        ink = np.convolve(np.ptp(window, axis=0), np.ones(9) / 9, mode="same")
        cut = earliest + int(ink.argmin())
        yield start, line[:, :cut]
        start, line = start + cut, line[:, cut:]
    yield start, line
