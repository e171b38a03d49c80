"""A small result of three pages, and strategies for hostile ones, for the tests of the formats."""

from datetime import UTC, datetime

from hypothesis import strategies as st

from ocr_gateway.formats.view import View
from ocr_gateway.formats.words import hull
from ocr_gateway.options import Options
from ocr_gateway.problems import Problem
from ocr_gateway.result import PageResult, Recognised, Results
from ocr_wire.result import Line, ModelRef, Page, Word

MODEL = ModelRef(name="balanced", sha256="0" * 64)
VIEW = View("req_1", Options(level="word"), b"", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))


def word(text: str, left: float, top: float, width: float, height: float = 24, fall: float = 0) -> Word:
    """A word whose right end is `fall` lower than its left one."""
    right, bottom = left + width, top + height
    polygon = ((left, top), (right, top + fall), (right, bottom + fall), (left, bottom))
    bbox = hull((x, y, x, y) for x, y in polygon)
    return Word(text=text, confidence=0.97, polygon=polygon, bbox=bbox)


def line(text: str, top: float, block: int = 0, *, words: tuple[Word, ...] = (), fall: float = 0) -> Line:
    """A line from 40 pixels, ten to a character."""
    box = word(text, 40, top, 10 * len(text), fall=fall)
    return Line(**box.model_dump(), words=words, block=block)


UPWARDS = Line(
    text="turned left",
    confidence=0.9,
    polygon=((500, 350), (500, 100), (530, 100), (530, 350)),
    bbox=(500, 100, 530, 350),
    block=3,
)
FIRST = Page(
    width=600,
    height=400,
    skew=0.5,
    lines=(
        line("Invoice 2024-0173", 30, words=(word("Invoice", 40, 30, 80), word("2024-0173", 135, 30, 75))),
        line("The goods were deliv-", 80, 1),
        line("ered on <b>Monday</b> & paid.", 110, 1, fall=3),
        line("1. Grüße 2. façade", 150, 2),
        line("2. 日本語の文字 𠮷", 180, 2),
        UPWARDS,
    ),
)
RESULT = Recognised(
    Results(
        (
            PageResult(1, FIRST, MODEL),
            PageResult(3, Problem("undecodable_image", "The image --> is <damaged>", page=3)),
            PageResult(7, Page(width=10, height=20), None, "text", 200),
        )
    ),
    {"det": 1.25},
)

# Any text at all, with half surrogate pairs and characters that no XML document may hold.
TEXTS = st.text(st.characters(exclude_categories=()), min_size=1, max_size=60)


@st.composite
def results(draw: st.DrawFn) -> Recognised:
    """Pages of lines that say anything, some of them in words."""
    lines = []
    for place, text in enumerate(draw(st.lists(TEXTS, max_size=5))):
        words = tuple(word(part, 40, 30 * place, 10) for part in text.split()) if draw(st.booleans()) else ()
        lines.append(line(text, 30.0 * place, draw(st.integers(0, 2)), words=words))
    page = Page(width=600, height=400, lines=tuple(sorted(lines, key=lambda line: line.block)))
    return Recognised(Results([PageResult(1, page, MODEL)]), {})
