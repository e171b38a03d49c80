"""What the XML formats share."""

from collections.abc import Iterable, Iterator
from xml.etree.ElementTree import Element, indent, tostring

from ocr_gateway.formats.pieces import separated
from ocr_gateway.result import Recognised

# The element in whose place the pages are put. No text can be taken for it: there a `<` is escaped.
PAGES = "pages"
_PLACE = b"<pages />"
_DECLARATION = b'<?xml version="1.0" encoding="UTF-8"?>\n'


def document(root: Element, pages: Iterable[Element] = (), doctype: bytes = b"") -> Iterator[bytes]:
    """The document of that root in UTF-8, with the pages in place of its element `PAGES`.

    Pages of a root that is indented by single spaces are indented like it.
    """
    before, _, after = tostring(root, encoding="utf-8").partition(_PLACE)
    margin = before[len(before.rstrip()) :]
    yield _DECLARATION + doctype + before
    yield from separated((_written(page, margin) for page in pages), margin)
    yield after + b"\n"


def software(result: Recognised) -> str:
    """What made the result."""
    return f"kubeocr {result.model.name}" if result.model else "kubeocr"


def _written(page: Element, margin: bytes) -> bytes:
    """The page behind that margin: a line break and a space for each level, or nothing."""
    if margin:
        indent(page, " ", len(margin) - 1)
    content: bytes = tostring(page, encoding="utf-8")
    return content
