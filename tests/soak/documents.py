"""The documents that are sent: drawn pages with known words, and files that have to be refused."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image

from tests.support import pdfs
from tests.support.drawing import WORDS, encoded, page
from tests.support.hostile import png_of

MIB = 1024 * 1024
# What the service is given as limits; the files below go beyond them.
MAX_BODY_BYTES, MAX_PAGES, MAX_PIXELS = 2 * MIB, 6, 6_000_000
# Width and height of a page in pixels, the height of its letters, lines, words a line.
SIZES = {
    "small": (420, 160, 28, 2, 3),
    "middle": (1000, 560, 28, 8, 6),
    "large": (1654, 1400, 30, 20, 9),
}
# The same seed is the same files.
EPOCH = time.gmtime(0)
# A drawn PDF is read at the API's default of 200 pixels an inch.
DPI = 200


@dataclass(frozen=True)
class Document:
    """A file, what it is called in the report, and the words of each of its pages."""

    kind: str
    media_type: str
    data: bytes
    pages: tuple[str, ...]


def readable(rng: random.Random) -> tuple[Document, ...]:
    """Files of every format and size; no two have the same words, so an answer to another one is seen."""
    return tuple(_readable(rng))


def _readable(rng: random.Random) -> Iterator[Document]:
    for size in SIZES:
        for name, media_type, options in (
            ("PNG", "image/png", {}),
            ("JPEG", "image/jpeg", {"quality": 85}),
            ("WEBP", "image/webp", {"quality": 85}),
        ):
            lines = _lines(rng, size)
            data = encoded(_drawn(lines, size), name, **options)
            yield Document(f"{name} {size}", media_type, data, (" ".join(lines),))
    for count in (2, 4):
        pages = [_lines(rng, "middle") for _ in range(count)]
        first, *others = [_drawn(lines, "middle") for lines in pages]
        words = tuple(" ".join(lines) for lines in pages)
        tiff = encoded(first, "TIFF", save_all=True, append_images=others, compression="tiff_lzw")
        yield Document(f"TIFF of {count} pages", "image/tiff", tiff, words)
        made = {"creationDate": EPOCH, "modDate": EPOCH, "resolution": DPI}
        scan = encoded(first, "PDF", save_all=True, append_images=others, **made)
        yield Document(f"PDF of {count} scans", "application/pdf", scan, words)
        text = pdfs.pdf([pdfs.PdfPage(pdfs.text(*lines, size=18)) for lines in pages])
        yield Document(f"PDF of {count} pages of text", "application/pdf", text, words)


def _lines(rng: random.Random, size: str) -> list[str]:
    *_, lines, words = SIZES[size]
    return [" ".join(rng.sample(WORDS, words)) for _ in range(lines)]


def _drawn(lines: list[str], size: str) -> Image.Image:
    width, height, letters, *_ = SIZES[size]
    return page([lines], size=letters, width=width, height=height)


def refusable() -> dict[str, bytes]:
    """Files by the code of the problem that each of them is."""
    blank = Image.new("L", (40, 40), 255)
    good = encoded(Image.new("L", (300, 200), 255))
    pages = encoded(blank, "TIFF", save_all=True, append_images=[blank] * MAX_PAGES)
    return {
        "empty_body": b"",
        "body_too_large": bytes(MAX_BODY_BYTES + 1),
        "too_many_pages": pages,
        "too_many_pixels": png_of(3000, 1 + MAX_PIXELS // 3000),
        "unsupported_media_type": b"just some text",
        "corrupt_pdf": b"%PDF-1.7",
        "encrypted_pdf": pdfs.encrypted(),
        "image_too_small": encoded(Image.new("L", (2, 2), 255)),
        "page_render_failed": pdfs.page_tree("2 0 R", 1),
        "undecodable_image": good[: len(good) // 2],
    }
