"""What a network says about a line, and text out of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ocr_modelserver.engine.arrays import Floats, Indices
from ocr_modelserver.engine.ink import NO_INK, Ink

STEP = 8  # pixels of a line that one step of the network stands for


@dataclass(frozen=True, slots=True)
class Letter:
    """A character, its middle in pixels from the line's start, and how sure the network is of it, 0 to 1."""

    text: str
    x: float
    sure: float

    @property
    def is_space(self) -> bool:
        """Whether it stands between words; of these no network is sure."""
        return self.text.isspace()


@dataclass(frozen=True)
class Reading:
    """The letters of a line, without a space at either end, and the ink they were read from."""

    letters: tuple[Letter, ...] = ()
    ink: Ink = NO_INK

    @cached_property
    def text(self) -> str:
        """The letters joined."""
        return "".join(letter.text for letter in self.letters)

    @cached_property
    def confidence(self) -> float:
        """How sure the network is of the letters on average, 0 to 1."""
        return mean_of(self.letters)


def mean_of(letters: Iterable[Letter]) -> float:
    """The mean certainty, 0 to 1; spaces do not count."""
    sure = [letter.sure for letter in letters if not letter.is_space]
    return sum(sure) / len(sure) if sure else 0.0


def decode(best: Indices, probability: Floats, characters: tuple[str, ...]) -> list[Letter]:
    """CTC, best path: the character of each step (t) and its probability (t) to letters.

    Repeats fold, index 0 is the blank.
    """
    kept = best != 0
    kept[1:] &= best[1:] != best[:-1]
    return [
        Letter(characters[best[step]], (float(step) + 0.5) * STEP, min(1.0, float(probability[step])))
        for step in np.flatnonzero(kept)
    ]


def trimmed(letters: Sequence[Letter]) -> tuple[Letter, ...]:
    """The letters without spaces at the ends, and with one where several stand."""
    kept: list[Letter] = []
    for letter in letters:
        if not letter.is_space or (kept and not kept[-1].is_space):
            kept.append(letter)
    return tuple(kept[:-1] if kept and kept[-1].is_space else kept)


def shifted(letters: Iterable[Letter], x: float) -> list[Letter]:
    """The letters of a part of a line that starts at `x`, in the line's pixels."""
    return [replace(letter, x=letter.x + x) for letter in letters]


def words_of(letters: Iterable[Letter]) -> list[list[Letter]]:
    """The letters between spaces."""
    words: list[list[Letter]] = [[]]
    for letter in letters:
        if letter.is_space:
            words.append([])
        else:
            words[-1].append(letter)
    return [word for word in words if word]
