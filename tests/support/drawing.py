"""Pages with known text, drawn when a test needs them."""

import io
from collections.abc import Iterator
from typing import Any

from PIL import Image, ImageDraw, ImageFont

WORDS = [
    "the",
    "invoice",
    "shows",
    "total",
    "amount",
    "of",
    "forty",
    "two",
    "euros",
    "payable",
    "within",
    "thirty",
    "days",
    "after",
    "receipt",
    "while",
    "every",
    "customer",
    "number",
    "must",
    "match",
    "our",
    "order",
    "book",
    "otherwise",
    "payment",
    "will",
    "be",
    "refused",
    "without",
    "further",
    "notice",
]


def lines(count: int, words: int, offset: int = 0) -> list[str]:
    """So many lines of so many words; another offset gives other lines."""
    return [
        " ".join(WORDS[(offset + row * 5 + word) % len(WORDS)] for word in range(words))
        for row in range(count)
    ]


def page(columns: list[list[str]], *, size: int = 28, width: int = 1000, height: int = 700) -> Image.Image:
    """The columns side by side in black on white."""
    image = Image.new("RGB", (width, height), "white")
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(size)
    for x, y, text in _lines(columns, size, width):
        draw.text((x, y), text, font=font, fill="black")
    return image


def word_places(
    columns: list[list[str]], *, size: int = 28, width: int = 1000
) -> list[tuple[str, tuple[float, float, float, float]]]:
    """The words of such a page and where they are (x0, y0, x1, y1), from the line's top to its bottom."""
    font = ImageFont.load_default(size)
    places = []
    for x, y, text in _lines(columns, size, width):
        _, top, _, bottom = font.getbbox(text)
        start = 0
        for word in text.split():
            before, end = font.getlength(text[:start]), font.getlength(text[: start + len(word)])
            places.append((word, (x + before, y + top, x + end, y + bottom)))
            start += len(word) + 1
    return places


def _lines(columns: list[list[str]], size: int, width: int) -> Iterator[tuple[float, float, str]]:
    for number, column in enumerate(columns):
        x = 50 + number * (width - 50) // len(columns)
        for row, text in enumerate(column):
            yield x, 50 + row * size * 1.6, text


def encoded(image: Image.Image, file_format: str = "PNG", **options: Any) -> bytes:
    """The image as a file."""
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()
