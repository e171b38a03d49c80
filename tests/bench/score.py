"""How well text was read: pure functions over lines of text and polygons.

    from tests.bench.score import score
    score(page.lines, read)      # both: sequences of Line(text, polygon) in reading order

Text is compared in Unicode's NFKC with its case as it is, runs of white space as one space. A word is what
stands between spaces; each Chinese or Japanese sign is a word of its own, as these scripts put no spaces.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tests.bench.geometry import area, bounds, clipped
from tests.bench.sheet import Line, Polygon

_SIGN = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_SIGN}]|[^\s{_SIGN}]+")
COVERED = 0.5
# Detectors draw boxes about a third taller and wider than the ink; a box over several lines lies on none.
ON_THE_LINE = 0.4


@dataclass(frozen=True, slots=True)
class Score:
    """All 0 to 1 (the error rates may exceed 1), of one page.

    `found`, the detection recall: the share of the true lines that boxes cover by half; None where the
    truth says no places.
    """

    word_f1: float
    cer: float
    cer_no_spaces: float
    found: float | None


def score(truth: Sequence[Line], read: Sequence[Line], text: str | None = None) -> Score:
    """Compare what was read with what is there.

    `text` is the engine's own running text where that has another order than its lines.
    """
    true_text, read_text = joined(truth), joined(read) if text is None else normalised(text)
    return Score(
        word_f1=word_f1(true_text, read_text),
        cer=cer(true_text, read_text),
        cer_no_spaces=cer(true_text.replace(" ", ""), read_text.replace(" ", "")),
        found=found([line.polygon for line in truth], [line.polygon for line in read]),
    )


def joined(lines: Iterable[Line]) -> str:
    """The lines as one normalised text."""
    return normalised(" ".join(line.text for line in lines))


def normalised(text: str) -> str:
    """NFKC, and every run of white space one space."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


def word_f1(truth: str, read: str) -> float:
    """The harmonic mean of precision and recall of words, whatever their order."""
    true_words, read_words = Counter(_WORD.findall(truth)), Counter(_WORD.findall(read))
    total = true_words.total() + read_words.total()
    return 2 * (true_words & read_words).total() / total if total else 1.0


def cer(truth: str, read: str) -> float:
    """Edits needed to make the truth of what was read, per character of the truth."""
    return edits(truth, read) / max(1, len(truth))


def edits(a: str, b: str) -> int:
    """Levenshtein distance, by bit vectors as wide as `a` (Myers 1999, in Hyyrö's form)."""
    if not a:
        return len(b)
    places: dict[str, int] = {}
    for place, sign in enumerate(a):
        places[sign] = places.get(sign, 0) | 1 << place
    mask, last, distance = (1 << len(a)) - 1, 1 << len(a) - 1, len(a)
    up, down = mask, 0  # where the column of distances rises and falls
    for sign in b:
        match = places.get(sign, 0)
        diagonal = ((((match & up) + up) ^ up) | match | down) & mask
        right, left = down | ~(diagonal | up) & mask, up & diagonal
        distance += bool(right & last) - bool(left & last)
        right, left = (right << 1 | 1) & mask, (left << 1) & mask
        up, down = left | ~(diagonal | right) & mask, right & diagonal
    return distance


def found(truth: Sequence[Polygon], boxes: Sequence[Polygon]) -> float | None:
    """The share of true lines of which boxes cover at least half; lines without an area are left out.

    Only boxes that lie on the line count: one large box over a whole page finds nothing. A line that was
    found word by word is found.
    """
    placed = [line for line in truth if area(line) > 0]
    if not placed:
        return None
    return sum(_coverage(line, boxes) >= COVERED for line in placed) / len(placed)


def _coverage(line: Polygon, boxes: Sequence[Polygon]) -> float:
    x0, y0, x1, y1 = bounds(line)
    covered = 0.0
    for box in boxes:
        left, top, right, bottom = bounds(box)
        if left < x1 and right > x0 and top < y1 and bottom > y0:
            common = area(clipped(box, line))
            covered += common if common >= ON_THE_LINE * area(box) else 0
    return covered / area(line)
