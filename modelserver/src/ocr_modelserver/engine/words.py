"""The words of a line, and where on the page each of them stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, pairwise

import numpy as np

from ocr_modelserver.engine.arrays import Floats
from ocr_modelserver.engine.geometry import parts_of
from ocr_modelserver.engine.ink import Ink
from ocr_modelserver.engine.reading import Letter, Reading, mean_of, words_of


@dataclass(frozen=True, slots=True)
class Placed:
    """Text, how sure the network is of it (0 to 1), and its box (4, 2), first corner where reading starts."""

    text: str
    confidence: float
    box: Floats


@dataclass(frozen=True, slots=True)
class PlacedLine(Placed):
    """A line and its words, which give its text when joined by spaces."""

    words: tuple[Placed, ...]


def place(reading: Reading, box: Floats) -> PlacedLine:
    """The line that was read in a box (4, 2), and its words in the same pixels, as high as the line.

    The pixels that were read cover the box from end to end.
    """
    words = words_of(reading.letters)
    boxes = parts_of(box, _edges(words, reading.ink) / np.float32(len(reading.ink.columns)))
    placed = tuple(
        Placed(Reading(tuple(word)).text, mean_of(word), place)
        for word, place in zip(words, boxes, strict=True)
    )
    return PlacedLine(" ".join(word.text for word in placed), reading.confidence, box, placed)


def _edges(words: Sequence[Sequence[Letter]], ink: Ink) -> Floats:
    """Where words start and end (m, 2), in pixels of the line: at the gaps of the ink, else half-way."""
    if not words:
        return np.zeros((0, 2), np.float32)
    first, last = words[0][0].x, words[-1][-1].x
    inked = np.flatnonzero(ink.columns)
    if len(inked):
        first, last = min(first, float(inked[0])), max(last, float(inked[-1]) + 1)
    gaps = [ink.gap(one[-1].x, other[0].x) for one, other in pairwise(words)]
    return np.array([first, *chain.from_iterable(gaps), last], np.float32).reshape(-1, 2)
