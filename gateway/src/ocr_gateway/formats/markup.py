"""What the XML formats share."""

from xml.etree.ElementTree import Element, tostring

from ocr_gateway.result import Recognised

_DECLARATION = b'<?xml version="1.0" encoding="UTF-8"?>\n'


def document(root: Element, doctype: bytes = b"") -> bytes:
    """The document of that root in UTF-8."""
    content: bytes = tostring(root, encoding="utf-8")
    return _DECLARATION + doctype + content + b"\n"


def software(result: Recognised) -> str:
    """What made the result."""
    return f"kubeocr {result.model.name}" if result.model else "kubeocr"
