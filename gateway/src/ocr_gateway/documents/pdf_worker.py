"""The program that opens one PDF: `python -m ocr_gateway.documents.pdf_worker`, started by `renderer`.

PDFium parses hostile bytes and must not run in two threads, so each document has a process of its own, with
little memory, no environment and, once it has the document, no way to open a file, a socket or a process.

Standard input is a Unix socket. First a descriptor with the document comes over it; then commands and
replies alternate, each a 4-byte big-endian length and so many bytes of JSON; the pixels follow the reply to
`render`. The first reply tells the number of pages. Coordinates are points from the upper left corner of the
page as it is shown: turned by /Rotate and cut to its CropBox.
"""

import ctypes
import json
import mmap
import os
import resource
import socket
import struct
from contextlib import closing
from typing import Any

import pypdfium2 as pdfium
import pypdfium2.raw as c

from ocr_gateway.documents import text_layer
from ocr_gateway.documents.pdf_glyphs import glyphs_of, is_scan

LENGTH = struct.Struct(">I")
ENCRYPTED = (c.FPDF_ERR_PASSWORD, c.FPDF_ERR_SECURITY)
# The small picture in which ink is weighed, coarser for a huge page; the ink of each grey, light ones none.
INK_DPI, MAX_INK_PIXELS = 50, 1_000_000
INK = bytes(255 - grey if grey < 192 else 0 for grey in range(256))  # noqa: PLR2004
WHITE = (255, 255, 255, 255)

Json = dict[str, Any]


class Worker:
    """An open document and what is asked about it; numbers of pages count from 1."""

    def __init__(self, data: mmap.mmap) -> None:
        """Open the document; raises pdfium.PdfiumError."""
        held = (ctypes.c_ubyte * len(data)).from_buffer(data)
        self._document = pdfium.PdfDocument(held)
        self._document.init_forms()

    @property
    def count(self) -> int:
        """The number of pages."""
        return len(self._document)

    def measure(self, number: int, mode: str) -> Json:
        """The page's size; its text layer, unless `mode` is `ocr`; in `auto`, whether that is trusted."""
        with closing(self._document[number - 1]) as page:
            width, height = page.get_size()
            glyphs = glyphs_of(page) if mode != "ocr" else []
            lines = [(line.words, line.block) for line in text_layer.lines(glyphs)]
            judged = mode == "auto" and lines and not is_scan(page)
            trusted = judged and text_layer.trusted(glyphs, self._covered(page, glyphs))
        return {"width": width, "height": height, "lines": lines, "trusted": bool(trusted)}

    def render(self, number: int, width: int, height: int) -> memoryview:
        """The page as RGB of `width` x `height` pixels, with its annotations and filled forms."""
        with closing(self._document[number - 1]) as page:
            bitmap = pdfium.PdfBitmap.new_native(width, height, c.FPDFBitmap_BGR)
            self._draw(page, bitmap, c.FPDF_REVERSE_BYTE_ORDER)
            return memoryview(bitmap.buffer).cast("B")

    def _draw(self, page: pdfium.PdfPage, bitmap: pdfium.PdfBitmap, flags: int) -> None:
        size = (bitmap.width, bitmap.height)
        bitmap.fill_rect(WHITE, 0, 0, *size)
        place = (bitmap, page, 0, 0, *size, 0, c.FPDF_ANNOT | flags)
        c.FPDF_RenderPageBitmap(*place)
        if self._document.formenv:
            c.FPDF_FFLDraw(self._document.formenv, *place)

    def _covered(self, page: pdfium.PdfPage, glyphs: list[text_layer.Glyph]) -> float:
        """The share of the page's ink that lies under its letters."""
        width, height = page.get_size()
        scale = min(INK_DPI / 72, (MAX_INK_PIXELS / (width * height)) ** 0.5)
        size = (max(1, round(side * scale)) for side in (width, height))
        bitmap = pdfium.PdfBitmap.new_native(*size, c.FPDFBitmap_Gray)
        self._draw(page, bitmap, c.FPDF_GRAYSCALE)
        drawn = _ink(bitmap)
        for glyph in glyphs:
            left, top, right, bottom = (int(side * scale) for side in glyph.box)
            bitmap.fill_rect(WHITE, left, top, right - left + 1, bottom - top + 1)
        return 1 - _ink(bitmap) / drawn if drawn else 0.0


def _ink(bitmap: pdfium.PdfBitmap) -> int:
    return sum(bytes(bitmap.buffer).translate(INK))


def main() -> None:
    """Serve one document, until the socket is closed."""
    channel = socket.socket(fileno=0)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    limits, descriptors, _, _ = socket.recv_fds(channel, 64, 1)
    memory, seconds = json.loads(limits)
    data = mmap.mmap(descriptors[0], 0, access=mmap.ACCESS_COPY)
    os.close(descriptors[0])
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    _allow(seconds)
    try:
        worker = Worker(data)
    except pdfium.PdfiumError as error:
        _reply(channel, {"error": "encrypted" if error.err_code in ENCRYPTED else "corrupt"})
        return
    _reply(channel, {"pages": worker.count})
    while command := _command(channel):
        _allow(seconds)
        _answer(channel, worker, command)


def _answer(channel: socket.socket, worker: Worker, command: Json) -> None:
    try:
        match command:
            case {"render": number, "width": width, "height": height}:
                pixels = worker.render(number, width, height)
                _reply(channel, {})
                channel.sendall(pixels)
            case {"measure": number, "mode": mode}:
                _reply(channel, worker.measure(number, mode))
    except (pdfium.PdfiumError, MemoryError) as error:
        _reply(channel, {"error": str(error) or "out of memory"})


def _allow(seconds: float) -> None:
    """Let the process take so much more of the CPU; should its parent not end it, the kernel does."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    used = usage.ru_utime + usage.ru_stime
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used + seconds) + 1, hard))


def _command(channel: socket.socket) -> Json | None:
    """The next command, or None when the other side has closed."""
    head = channel.recv(LENGTH.size, socket.MSG_WAITALL)
    if len(head) < LENGTH.size:
        return None
    (length,) = LENGTH.unpack(head)
    command: Json = json.loads(channel.recv(length, socket.MSG_WAITALL))
    return command


def _reply(channel: socket.socket, message: Json) -> None:
    body = json.dumps(message).encode()
    channel.sendall(LENGTH.pack(len(body)) + body)


if __name__ == "__main__":
    main()
