"""A result as the order of a searchable PDF."""

from collections.abc import Iterator

from ocr_gateway.formats.characters import legible
from ocr_gateway.formats.pdf.order import Placed, Sheet, pack
from ocr_gateway.formats.view import View
from ocr_gateway.formats.words import words_of
from ocr_gateway.result import PageResult, Recognised
from ocr_wire.result import Page


def render(result: Recognised, view: View) -> Iterator[bytes]:
    """What `ocr_gateway.formats.pdf` makes the PDF of.

    A page whose own text was taken has no words here: it has them already.
    """
    sheets = ((each.number, _sheet(each)) for each in result.results)
    return pack(len(result.results), sheets, view.document)


def _sheet(result: PageResult) -> Sheet:
    page = result.outcome
    if not isinstance(page, Page):
        return Sheet()
    lines = tuple(
        tuple(Placed(legible(word.text), word.polygon) for word in words_of(line))
        for line in (page.lines if result.source == "ocr" else ())
    )
    return Sheet(width=page.width, height=page.height, lines=lines)
