"""The plain text answer."""

from ocr_gateway.formats.view import View
from ocr_gateway.result import Recognised


def render(result: Recognised, _: View) -> bytes:
    """The pages' text, a blank line between two pages, a newline at the end; UTF-8."""
    # Half of a surrogate pair cannot be encoded: it becomes a question mark.
    return (result.text + "\n").encode(errors="replace")
