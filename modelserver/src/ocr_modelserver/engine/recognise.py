"""What a line says: pixels to text by a CTC network."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from ocr_modelserver.engine.geometry import Pixels, blob, crop, resize, sizes, turn_reading
from ocr_modelserver.engine.sessions import Floats, Networks

HEIGHT = 48
BUCKET = 32
MAX_WIDTH = 2560  # an output of 320 steps x 18,710 characters is 24 MB
_GREY = 128
_TALL = 1.5


@dataclass(frozen=True, slots=True)
class Reading:
    """The text of a line, how sure the network is of its characters on average (0 to 1), and their number."""

    text: str
    confidence: float


def recognise(
    networks: Networks, image: Pixels, boxes: Floats, checkpoint: Callable[[], None]
) -> list[tuple[Floats, Reading]]:
    """Read every box of a page; the result is in the boxes' order.

    A box taller than wide may be a lone character or text that runs downwards. It is read both ways; the
    second counts if it is surer and has more than one character (a lone stroke lies down as a dash), and its
    box comes back with the corners of that reading. `checkpoint` is called before every line and may raise to
    give up.
    """
    results: dict[int, tuple[Floats, Reading]] = {}
    width, height = sizes(boxes).T
    # The widest first: memory is taken once, at the largest size.
    for index in np.argsort(-(width / np.maximum(height, 1)), kind="stable"):
        box = boxes[index]
        reading = read_line(networks, crop(image, box), checkpoint)
        if height[index] >= _TALL * width[index]:
            lying = turn_reading(box[None], 1)[0]
            second = read_line(networks, crop(image, lying), checkpoint)
            if len(second.text) > 1 and second.confidence > reading.confidence:
                box, reading = lying, second
        results[int(index)] = (box, reading)
    return [results[index] for index in range(len(boxes))]


def read_line(networks: Networks, pixels: Pixels, checkpoint: Callable[[], None]) -> Reading:
    """Read one straightened line, uint8 (h, w, 3); one that is too long for the network in pieces."""
    height, width = pixels.shape[:2]
    line = resize(pixels, max(1, math.ceil(HEIGHT * width / height)), HEIGHT)
    parts = []
    for piece in _pieces(line):
        checkpoint()
        parts.append(decode(networks.recognise(blob([_padded(piece)]))[0], networks.characters))
    text = " ".join(part.text.strip() for part in parts if part.text.strip())
    weight = sum(len(part.text) for part in parts)
    confidence = sum(part.confidence * len(part.text) for part in parts) / weight if weight else 0.0
    return Reading(text, confidence)


def decode(probabilities: Floats, characters: tuple[str, ...]) -> Reading:
    """CTC, best path: (steps, characters) to text; repeats fold, index 0 is the blank."""
    best = probabilities.argmax(axis=1)
    kept = best != 0
    kept[1:] &= best[1:] != best[:-1]
    text = "".join(characters[index] for index in best[kept])
    if not text:
        return Reading("", 0.0)
    return Reading(text, min(1.0, float(probabilities[kept, best[kept]].mean())))


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
