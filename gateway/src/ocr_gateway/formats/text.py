"""The plain text answer."""

from collections.abc import Iterator

from ocr_gateway.formats.pieces import separated
from ocr_gateway.formats.view import View
from ocr_gateway.result import Recognised


def render(result: Recognised, _: View) -> Iterator[bytes]:
    """The pages' text, a blank line between two pages, a newline at the end; UTF-8."""
    # Half of a surrogate pair cannot be encoded: it becomes a question mark.
    yield from separated((page.text.encode(errors="replace") for page in result.pages), b"\n\n")
    yield b"\n"
