"""A PDF page's own text as lines and words, and whether it can stand for what the page shows.

Pure, and without imports that cost: it runs in the process of `pdf_worker`.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise

Box = tuple[float, float, float, float]

# Of the letters, so many may be hidden or unreadable: a stray symbol of an odd font is no broken layer.
MAX_HIDDEN = 0.1
MAX_BROKEN = 0.02
# Of what is drawn, so much has to lie under the letters.
MIN_COVERED = 0.5
# A gap between two lines of more than this many line heights begins a new block.
BLOCK_GAP = 1.0
_BROKEN_CATEGORIES = frozenset({"Cc", "Cn", "Co", "Cs"})


@dataclass(frozen=True, slots=True)
class Glyph:
    """A character and its box `(x0, y0, x1, y1)`, y down. `hidden`: drawn with no ink, as under a scan.

    `unmapped`: the font does not say which character it is.
    """

    text: str
    box: Box
    hidden: bool = False
    unmapped: bool = False

    @property
    def broken(self) -> bool:
        """Whether it stands for no character that anybody could read."""
        return self.unmapped or self.text == "\ufffd" or unicodedata.category(self.text) in _BROKEN_CATEGORIES


@dataclass(slots=True)
class LayerLine:
    """A line: its words, each with the box around its letters, and the paragraph that it is in."""

    words: list[tuple[str, Box]]
    block: int = 0
    box: Box = field(init=False)

    def __post_init__(self) -> None:
        """The box around the words."""
        self.box = hull(box for _, box in self.words)


def trusted(glyphs: Sequence[Glyph], covered: float) -> bool:
    """Whether the text layer says what the page shows; `covered` is the share of the ink under its letters.

    Not so for the hidden text under a scan (somebody else's OCR), for fonts without a map to characters, and
    where much of what is drawn is no text: a picture or outlines may say more than the layer does.
    """
    letters = [glyph for glyph in glyphs if not glyph.text.isspace()]
    if not letters:
        return False
    hidden = sum(glyph.hidden for glyph in letters) / len(letters)
    broken = sum(glyph.broken for glyph in letters) / len(letters)
    return hidden <= MAX_HIDDEN and broken <= MAX_BROKEN and covered >= MIN_COVERED


def lines(glyphs: Iterable[Glyph]) -> list[LayerLine]:
    """Lines in the order of the file, which is that of reading for what was ever exported from text.

    Line ends are those that PDFium puts between glyphs; characters that cannot be read are left out.
    """
    found = [LayerLine(words) for group in _split(glyphs, "\r\n") if (words := list(_words(group)))]
    for before, line in pairwise(found):
        line.block = before.block + _parted(before.box, line.box)
    return found


def hull(boxes: Iterable[Box]) -> Box:
    """The smallest box around all."""
    left, top, right, bottom = zip(*boxes, strict=True)
    return min(left), min(top), max(right), max(bottom)


def _words(line: Iterable[Glyph]) -> Iterator[tuple[str, Box]]:
    for word in _split((glyph for glyph in line if not glyph.broken), " \u00a0\u3000"):
        text = unicodedata.normalize("NFC", "".join(glyph.text for glyph in word))
        yield text, hull(glyph.box for glyph in word)


def _split(glyphs: Iterable[Glyph], separators: str) -> Iterator[list[Glyph]]:
    for separates, group in groupby(glyphs, lambda glyph: glyph.text in separators):
        if not separates:
            yield list(group)


def _parted(above: Box, below: Box) -> bool:
    """Whether the second line begins a new block: far below the first, beside it, or back up the page."""
    height = max(above[3] - above[1], below[3] - below[1])
    gap = below[1] - above[3]
    beside = below[0] > above[2] or below[2] < above[0]
    return beside or gap > BLOCK_GAP * height or gap < -height
