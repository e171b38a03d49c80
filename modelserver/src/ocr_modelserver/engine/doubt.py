"""Which parts of a line are worth a second reading by a larger network."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from ocr_modelserver.engine.ink import Ink
from ocr_modelserver.engine.reading import Letter, mean_of, words_of

_MOST = 0.6  # of a line's width; from there on all of it is read again


@dataclass(frozen=True, slots=True)
class Doubt:
    """The confidences of a word, and of one of its letters, below which it is in doubt; 0 to 1."""

    word_below: float
    letter_below: float

    def holds(self, word: Sequence[Letter]) -> bool:
        """Whether a word is in doubt."""
        return mean_of(word) < self.word_below or min(letter.sure for letter in word) < self.letter_below


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a line, from pixel `start` to `end`: whole words, all of them in doubt or none."""

    start: int
    end: int
    letters: tuple[Letter, ...]
    doubtful: bool


def parts_of(letters: Sequence[Letter], ink: Ink, doubt: Doubt) -> list[Part]:
    """A line cut in the gaps between words that are in doubt and words that are not."""
    words = words_of(letters)
    if not words:
        return []
    width = len(ink.columns)
    cuts = [sum(ink.gap(one[-1].x, other[0].x)) // 2 for one, other in pairwise(words)]
    parts: list[Part] = []
    for word, (start, end) in zip(words, pairwise([0, *cuts, width]), strict=True):
        doubtful = doubt.holds(word)
        if parts and parts[-1].doubtful == doubtful:
            before = parts.pop()
            space = Letter(" ", start, 1.0)
            parts.append(Part(before.start, end, (*before.letters, space, *word), doubtful))
        else:
            parts.append(Part(start, end, tuple(word), doubtful))
    if sum(part.end - part.start for part in parts if part.doubtful) > _MOST * width:
        return [Part(0, width, tuple(letters), doubtful=True)]
    return parts
