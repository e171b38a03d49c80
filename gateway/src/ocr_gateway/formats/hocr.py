"""hOCR 1.2 as XHTML: pages, paragraphs, lines and words with their boxes."""

import math
from collections.abc import Iterator
from xml.etree.ElementTree import Comment, Element, SubElement

from ocr_gateway.formats.characters import legible
from ocr_gateway.formats.markup import PAGES, document, software
from ocr_gateway.formats.view import View
from ocr_gateway.formats.words import Block, blocks_of, turned, whole, words_of
from ocr_gateway.result import PageResult, Recognised
from ocr_wire.result import Line, Page

_DOCTYPE = (
    b'<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN"'
    b' "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">\n'
)
_CLASSES = "ocr_page ocr_carea ocr_par ocr_line ocrx_word ocrp_wconf"
# A line turned by more degrees than this is told by its angle, else by its baseline.
_STEEP = 45


def render(result: Recognised, view: View) -> Iterator[bytes]:
    """An XHTML document in UTF-8; a page that could not be read is empty, and a comment in it says why."""
    html = Element("html", {"xmlns": "http://www.w3.org/1999/xhtml"})
    head = SubElement(html, "head")
    SubElement(head, "title").text = view.request_id
    SubElement(head, "meta", {"http-equiv": "Content-Type", "content": "text/html;charset=utf-8"})
    facts = {
        "ocr-system": software(result),
        "ocr-number-of-pages": str(len(result.results)),
        "ocr-capabilities": _CLASSES,
    }
    for name, content in facts.items():
        SubElement(head, "meta", {"name": name, "content": content})
    SubElement(SubElement(html, "body"), PAGES)
    return document(html, map(_page, result.results), _DOCTYPE)


def _page(result: PageResult) -> Element:
    # ppageno counts from 0 (hOCR 1.2, 5.6).
    facts = {"ppageno": str(result.number - 1)}
    if result.dpi:
        facts["scan_res"] = f"{result.dpi} {result.dpi}"
    attributes = {"class": "ocr_page", "id": f"page_{result.number}"}
    if not isinstance(result.outcome, Page):
        element = Element("div", attributes | {"title": _title({"bbox": "0 0 0 0"} | facts)})
        element.append(Comment(f" not read: {result.outcome.code} "))
        return element
    page = result.outcome
    title = _title({"bbox": f"0 0 {page.width} {page.height}"} | facts)
    element = Element("div", attributes | {"title": title})
    for number, block in enumerate(blocks_of(page), 1):
        element.append(_block(block, page, f"{result.number}_{number}"))
    return element


def _block(block: Block, page: Page, place: str) -> Element:
    title = _title({"bbox": _box(block.bbox, page)})
    area = Element("div", {"class": "ocr_carea", "id": f"block_{place}", "title": title})
    paragraph = SubElement(area, "p", {"class": "ocr_par", "id": f"par_{place}", "title": title})
    for number, line in enumerate(block.lines, 1):
        paragraph.append(_line(line, page, f"{place}_{number}"))
    return area


def _line(line: Line, page: Page, place: str) -> Element:
    title = _title({"bbox": _box(line.bbox, page)} | _slope(line, page))
    element = Element("span", {"class": "ocr_line", "id": f"line_{place}", "title": title})
    element.tail = "\n"
    for number, word in enumerate(words_of(line), 1):
        title = _title({"bbox": _box(word.bbox, page), "x_wconf": f"{word.confidence * 100:.0f}"})
        span = SubElement(
            element, "span", {"class": "ocrx_word", "id": f"word_{place}_{number}", "title": title}
        )
        span.text, span.tail = legible(word.text), " "
    return element


def _slope(line: Line, page: Page) -> dict[str, str]:
    """The counterclockwise angle of a steep line, else slope and offset of its lower edge (hOCR 1.2, 5)."""
    angle = turned(line)
    if abs(angle) > _STEEP:
        return {"textangle": f"{-angle:.1f}"}
    left, _, _, bottom = whole(line.bbox, page)
    x, y = line.polygon[3]
    slope = math.tan(math.radians(angle))
    return {"baseline": f"{slope:.3f} {y + slope * (left - x) - bottom:.0f}"}


def _box(bbox: tuple[float, float, float, float], page: Page) -> str:
    return " ".join(map(str, whole(bbox, page)))


def _title(facts: dict[str, str]) -> str:
    return "; ".join(f"{name} {value}" for name, value in facts.items())
