"""The plain text answer."""

from ocr_gateway.recognise import Recognised


def render(result: Recognised) -> bytes:
    """The pages' text, a blank line between two pages, a newline at the end; UTF-8."""
    return (result.text + "\n").encode()
