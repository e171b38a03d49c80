"""Pages with known text, drawn when a test needs them."""

import io
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
    for number, column in enumerate(columns):
        x = 50 + number * (width - 50) // len(columns)
        for row, text in enumerate(column):
            draw.text((x, 50 + row * size * 1.6), text, font=font, fill="black")
    return image


def encoded(image: Image.Image, file_format: str = "PNG", **options: Any) -> bytes:
    """The image as a file."""
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()
