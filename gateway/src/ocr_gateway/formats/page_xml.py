"""PAGE XML 2019-07-15: a document for each page, as the format has it."""

from collections.abc import Iterator
from xml.etree.ElementTree import Element, SubElement, indent

from ocr_gateway.formats.characters import legible
from ocr_gateway.formats.markup import PAGES, document, software
from ocr_gateway.formats.view import View
from ocr_gateway.formats.words import Block, blocks_of, corners, whole, words_of
from ocr_gateway.result import PageResult, Recognised
from ocr_wire.result import Line, Page, Word

_NAMESPACE = "http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15"
_SEVERAL = "https://kubeocr.dev/schemas/page-documents"
_ROOT = {
    "xmlns": _NAMESPACE,
    "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
    "xsi:schemaLocation": f"{_NAMESPACE} {_NAMESPACE}/pagecontent.xsd",
}


def render(result: Recognised, view: View) -> Iterator[bytes]:
    """The XML document of the only page, or a `PageDocuments` whose children are one for each page; UTF-8.

    A page that could not be read is empty, of no width and height; its metadata's comment says why.
    """
    pages = (_document(each, software(result), view) for each in result.results)
    if len(result.results) == 1:
        root = next(pages)
    else:
        root = Element("PageDocuments", {"xmlns": _SEVERAL})
        SubElement(root, PAGES)
    indent(root, " ")
    yield from document(root, pages)


def _document(result: PageResult, made_by: str, view: View) -> Element:
    root = Element("PcGts", _ROOT)
    metadata = SubElement(root, "Metadata", {"externalRef": view.request_id})
    SubElement(metadata, "Creator").text = made_by
    SubElement(metadata, "Created").text = view.moment
    SubElement(metadata, "LastChange").text = view.moment
    if isinstance(result.outcome, Page):
        root.append(_page(result.outcome, result))
    else:
        problem = result.outcome
        SubElement(metadata, "Comments").text = legible(f"not read: {problem.code}: {problem.detail}")
        SubElement(root, "Page", _size(result, 0, 0))
    return root


def _size(result: PageResult, width: int, height: int) -> dict[str, str]:
    return {"imageFilename": f"page-{result.number:04}", "imageWidth": str(width), "imageHeight": str(height)}


def _page(page: Page, result: PageResult) -> Element:
    element = Element("Page", _size(result, page.width, page.height))
    blocks = list(enumerate(blocks_of(page)))
    if blocks:
        order = SubElement(SubElement(element, "ReadingOrder"), "OrderedGroup", {"id": "reading_order"})
        for place, _ in blocks:
            SubElement(order, "RegionRefIndexed", {"index": str(place), "regionRef": f"region_{place + 1}"})
    element.extend(_region(block, page, str(place + 1)) for place, block in blocks)
    return element


def _region(block: Block, page: Page, place: str) -> Element:
    region = Element("TextRegion", {"id": f"region_{place}", "type": "paragraph"})
    left, top, right, bottom = whole(block.bbox, page)
    _points(region, "Coords", ((left, top), (right, top), (right, bottom), (left, bottom)))
    for number, line in enumerate(block.lines, 1):
        region.append(_line(line, page, f"{place}_{number}"))
    _text(region, "\n".join(legible(line.text) for line in block.lines))
    return region


def _line(line: Line, page: Page, place: str) -> Element:
    element = Element("TextLine", {"id": f"line_{place}"})
    polygon = corners(line, page)
    _points(element, "Coords", polygon)
    _points(element, "Baseline", (polygon[3], polygon[2]))
    for number, word in enumerate(words_of(line), 1):
        part = SubElement(element, "Word", {"id": f"word_{place}_{number}"})
        _points(part, "Coords", corners(word, page))
        _text(part, legible(word.text), word)
    _text(element, legible(line.text), line)
    return element


def _points(parent: Element, tag: str, points: tuple[tuple[int, int], ...]) -> None:
    SubElement(parent, tag, {"points": " ".join(f"{x},{y}" for x, y in points)})


def _text(parent: Element, text: str, read: Word | None = None) -> None:
    """The text, with the confidence of what was `read` as one."""
    attributes = {"conf": f"{read.confidence:.4f}"} if read else {}
    SubElement(SubElement(parent, "TextEquiv", attributes), "Unicode").text = text
