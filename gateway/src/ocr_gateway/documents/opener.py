"""Bytes to an open document: which kind it is, and whether it is within the limits."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from ocr_gateway.documents.image import ImagePages
from ocr_gateway.documents.page_ranges import too_many_pages
from ocr_gateway.documents.pages import Pages, translated
from ocr_gateway.documents.pdf import PdfPages
from ocr_gateway.documents.renderer import Refused, RendererFailed
from ocr_gateway.documents.renderers import Renderers
from ocr_gateway.documents.room import PixelRoom
from ocr_gateway.documents.tiff import TiffPages
from ocr_gateway.options import Options
from ocr_gateway.problems import Problem
from ocr_wire import raster

FORMATS = (*raster.FORMATS, "PDF")
# The header may stand behind a wrapper's rubbish (PDF 32000-1, annex H.3, implementation note 13).
PDF_HEADER, PDF_HEADER_WITHIN = b"%PDF-", 1024
# Decoded pages held at once, over all requests; 3 bytes each.
MAX_HELD_PIXELS = 32_000_000
# Of a TIFF whose pages are chosen: what is walked through to find them.
MAX_TIFF_PAGES = 10_000
ENCRYPTED = "encrypted"


class Opener:
    """Opens documents of all kinds, within limits and room that they share."""

    def __init__(self, renderers: Renderers, limits: raster.Limits) -> None:
        """`limits` hold for a page, and for the pages that are read of a document."""
        self._renderers = renderers
        self.limits = limits
        self.room = PixelRoom(MAX_HELD_PIXELS)

    @asynccontextmanager
    async def opened(self, data: bytes, options: Options, request_id: str) -> AsyncIterator[Pages]:
        """The document; nothing of its pages is decoded yet.

        Raises:
            Problem: empty_body, unsupported_media_type, undecodable_image, too_many_pixels, image_too_small,
                too_many_pages, encrypted_pdf, corrupt_pdf.
        """
        form = sniff(data)
        if form == "PDF":
            async with self._pdf(data, options, request_id) as pages:
                yield pages
        elif form == "TIFF":
            yield await asyncio.to_thread(self._tiff, data, options, request_id)
        else:
            yield await asyncio.to_thread(self._image, data, request_id)

    @asynccontextmanager
    async def _pdf(self, data: bytes, options: Options, request_id: str) -> AsyncIterator[Pages]:
        async with AsyncExitStack() as stack:
            try:
                pdf = await stack.enter_async_context(self._renderers.opened(data))
            except Refused as refusal:
                raise _refused(refusal) from refusal
            except RendererFailed as failure:
                raise Problem("corrupt_pdf", f"The PDF could not be opened: {failure}.") from failure
            yield PdfPages(pdf, options, self.limits, self.room, request_id)

    def _tiff(self, data: bytes, options: Options, request_id: str) -> Pages:
        most = self.limits.max_pages if options.pages is None else MAX_TIFF_PAGES
        try:
            sizes = raster.page_sizes(data, most + 1)
        except raster.ImageProblem as problem:
            raise translated(problem) from problem
        if len(sizes) > most:
            raise too_many_pages(len(sizes), most, at_least=True)
        if len(sizes) == 1:
            return self._image(data, request_id)
        return TiffPages(data, sizes, self.limits, self.room, request_id)

    def _image(self, data: bytes, request_id: str) -> Pages:
        try:
            raster.inspect(data, self.limits)
        except raster.ImageProblem as problem:
            raise translated(problem) from problem
        return ImagePages(data, request_id)


def sniff(data: bytes) -> str:
    """The name of the document's format, of `FORMATS`, told by its bytes alone.

    Raises:
        Problem: empty_body or unsupported_media_type.
    """
    try:
        return raster.sniff(data)
    except raster.ImageProblem as problem:
        if PDF_HEADER in data[:PDF_HEADER_WITHIN]:
            return "PDF"
        if problem.code == "empty_body":
            raise Problem("empty_body", "The body is empty; send an image or a PDF.") from problem
        raise Problem(
            "unsupported_media_type",
            f"The bytes are none of the formats that are read: {', '.join(FORMATS)}.",
        ) from problem


def _refused(refusal: Refused) -> Problem:
    if refusal.reason == ENCRYPTED:
        return Problem(
            "encrypted_pdf",
            "The PDF opens with a password only, and passwords are not taken here. Save it without one.",
        )
    return Problem(
        "corrupt_pdf",
        "The PDF is damaged beyond repair, cut off or has no pages. Save it again by the program it is from.",
    )
