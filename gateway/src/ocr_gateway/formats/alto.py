"""ALTO 4, the libraries' format: one document with all pages."""

from collections.abc import Iterator
from xml.etree.ElementTree import Element, SubElement, indent

from ocr_gateway.formats.characters import legible
from ocr_gateway.formats.markup import PAGES, document, software
from ocr_gateway.formats.view import View
from ocr_gateway.formats.words import Block, blocks_of, corners, turned, whole, words_of
from ocr_gateway.result import PageResult, Recognised
from ocr_wire.result import Line, Page, Word

_ROOT = {
    "xmlns": "http://www.loc.gov/standards/alto/ns-v4#",
    "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
    "xsi:schemaLocation": (
        "http://www.loc.gov/standards/alto/ns-v4# http://www.loc.gov/standards/alto/v4/alto-4-2.xsd"
    ),
    "SCHEMAVERSION": "4.2",
}


def render(result: Recognised, view: View) -> Iterator[bytes]:
    """An XML document in UTF-8. Lengths are pixels, angles degrees, confidences 0 to 1.

    A page that could not be read is a Page of the quality `Missing`, and QUALITY_DETAIL says why.
    """
    alto = Element("alto", _ROOT)
    description = SubElement(alto, "Description")
    SubElement(description, "MeasurementUnit").text = "pixel"
    image = SubElement(description, "sourceImageInformation")
    SubElement(image, "documentIdentifier").text = view.request_id
    processing = SubElement(description, "Processing", {"ID": "ocr"})
    SubElement(processing, "processingCategory").text = "contentGeneration"
    SubElement(processing, "processingDateTime").text = view.moment
    made_by = SubElement(processing, "processingSoftware")
    SubElement(made_by, "softwareName").text = software(result)
    SubElement(SubElement(alto, "Layout"), PAGES)
    indent(alto, " ")
    return document(alto, map(_page, result.results))


def _page(result: PageResult) -> Element:
    attributes = {"ID": f"page_{result.number}", "PHYSICAL_IMG_NR": str(result.number)}
    if not isinstance(result.outcome, Page):
        problem = result.outcome
        detail = legible(f"{problem.code}: {problem.detail}")
        return Element("Page", attributes | {"QUALITY": "Missing", "QUALITY_DETAIL": detail})
    page = result.outcome
    size = {"HEIGHT": str(page.height), "WIDTH": str(page.width)}
    element = Element("Page", attributes | size)
    space = SubElement(element, "PrintSpace", {"HPOS": "0", "VPOS": "0"} | size)
    for number, block in enumerate(blocks_of(page), 1):
        space.append(_block(block, page, f"{result.number}_{number}"))
    return element


def _block(block: Block, page: Page, place: str) -> Element:
    element = Element("TextBlock", {"ID": f"block_{place}"} | _box(block.bbox, page))
    for number, line in enumerate(block.lines, 1):
        element.append(_line(line, page, f"{place}_{number}"))
    return element


def _line(line: Line, page: Page, place: str) -> Element:
    lower_left, lower_right = corners(line, page)[3], corners(line, page)[2]
    baseline = f"{lower_left[0]},{lower_left[1]} {lower_right[0]},{lower_right[1]}"
    element = Element("TextLine", {"ID": f"line_{place}", "BASELINE": baseline} | _box(line.bbox, page))
    _shape(element, line, page)
    for number, word in enumerate(words_of(line), 1):
        if number > 1:
            SubElement(element, "SP")
        attributes = {"ID": f"word_{place}_{number}", "CONTENT": legible(word.text)}
        attributes["WC"] = f"{word.confidence:.4f}"
        string = SubElement(element, "String", attributes | _box(word.bbox, page))
        _shape(string, word, page)
    return element


def _shape(element: Element, word: Word, page: Page) -> None:
    """The corners of what is no upright box."""
    if turned(word):
        points = " ".join(f"{x},{y}" for x, y in corners(word, page))
        SubElement(SubElement(element, "Shape"), "Polygon", {"POINTS": points})


def _box(bbox: tuple[float, float, float, float], page: Page) -> dict[str, str]:
    left, top, right, bottom = whole(bbox, page)
    sides = {"HPOS": left, "VPOS": top, "WIDTH": right - left, "HEIGHT": bottom - top}
    return {name: str(value) for name, value in sides.items()}
