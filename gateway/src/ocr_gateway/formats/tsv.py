"""Tab-separated values with the twelve columns that Tesseract writes."""

from collections.abc import Iterator

from ocr_gateway.formats.characters import legible
from ocr_gateway.formats.view import View
from ocr_gateway.formats.words import Pixels, blocks_of, whole, words_of
from ocr_gateway.result import PageResult, Recognised
from ocr_wire.result import Page

COLUMNS = (
    *("level", "page_num", "block_num", "par_num", "line_num", "word_num"),
    *("left", "top", "width", "height", "conf", "text"),
)
# The confidence of what is no word.
_NONE = "-1"
_NOWHERE = (0, 0, 0, 0)


def render(result: Recognised, _: View) -> Iterator[bytes]:
    """A header and a row for each page (level 1), block, paragraph, line and word (level 5); UTF-8.

    Counted from 1; confidence 0 to 100. A page that could not be read has a row of no width and height.
    """
    yield _written(COLUMNS)
    for each in result.results:
        yield from map(_written, _rows(each))


def _written(row: tuple[str, ...]) -> bytes:
    return ("\t".join(row) + "\n").encode()


def _rows(result: PageResult) -> Iterator[tuple[str, ...]]:
    if not isinstance(result.outcome, Page):
        yield _row((result.number,), _NOWHERE)
        return
    page = result.outcome
    yield _row((result.number,), (0, 0, page.width, page.height))
    for number, block in enumerate(blocks_of(page), 1):
        place = (result.number, number)
        yield _row(place, whole(block.bbox, page))
        yield _row((*place, 1), whole(block.bbox, page))
        for line_number, line in enumerate(block.lines, 1):
            yield _row((*place, 1, line_number), whole(line.bbox, page))
            for word_number, word in enumerate(words_of(line), 1):
                confidence, text = f"{word.confidence * 100:.2f}", legible(word.text)
                yield _row((*place, 1, line_number, word_number), whole(word.bbox, page), confidence, text)


def _row(place: tuple[int, ...], box: Pixels, confidence: str = _NONE, text: str = "") -> tuple[str, ...]:
    """`place` is page, block, paragraph, line, word, as far as the row goes."""
    left, top, right, bottom = box
    numbers = (len(place), *place, *(0,) * (5 - len(place)), left, top, right - left, bottom - top)
    return (*map(str, numbers), confidence, text)
