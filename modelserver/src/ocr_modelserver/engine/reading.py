"""What a network says about a line, and text out of it."""

from dataclasses import dataclass

import numpy as np

from ocr_modelserver.engine.arrays import Floats, Indices


@dataclass(frozen=True, slots=True)
class Reading:
    """The text of a line, and how sure the network is of its characters, 0 to 1: on average, of the worst."""

    text: str
    confidence: float
    lowest: float


NOTHING = Reading("", 0.0, 0.0)


def decode(best: Indices, probability: Floats, characters: tuple[str, ...]) -> Reading:
    """CTC, best path: the character of each step (t) and its probability (t) to text.

    Repeats fold, index 0 is the blank.
    """
    kept = best != 0
    kept[1:] &= best[1:] != best[:-1]
    text = "".join(characters[index] for index in best[kept])
    if not text:
        return NOTHING
    sure = np.minimum(probability[kept], 1.0)
    return Reading(text, float(sure.mean()), float(sure.min()))


def joined(parts: list[Reading]) -> Reading:
    """The readings of a line's pieces, from left to right, as one; weighted by their characters."""
    parts = [part for part in parts if part.text.strip()]
    if not parts:
        return NOTHING
    weight = sum(len(part.text) for part in parts)
    return Reading(
        text=" ".join(part.text.strip() for part in parts),
        confidence=sum(part.confidence * len(part.text) for part in parts) / weight,
        lowest=min(part.lowest for part in parts),
    )
