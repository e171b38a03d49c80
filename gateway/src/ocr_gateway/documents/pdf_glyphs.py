"""What PDFium tells about the glyphs and images of a page; runs in the process of `pdf_worker`.

Boxes are points from the upper left corner of the page as it is shown: turned by /Rotate, cut to its CropBox.
"""

from collections.abc import Callable
from contextlib import closing
from ctypes import byref, c_double

import pypdfium2 as pdfium
import pypdfium2.raw as c

from ocr_gateway.documents.text_layer import Box, Glyph

# An image of this share of the page is a scan, whatever text lies over or under it.
SCAN = 0.5
# PDFium tells so a hyphen at the end of a line, and then no line end; and a tab is a gap like any other.
READ_AS = {"\x02": "-\n", "\t": " "}

Place = Callable[[Box], Box]


def glyphs_of(page: pdfium.PdfPage) -> list[Glyph]:
    """The characters that lie on the page, with the line ends and spaces that PDFium finds between them."""
    place = placing(page.get_bbox(), page.get_rotation())
    with closing(page.get_textpage()) as text:
        glyphs = [glyph for index in range(text.count_chars()) for glyph in _glyphs(text, index, place)]
    size = page.get_size()
    return [glyph for glyph in glyphs if glyph.text.isspace() or _area(_within(glyph.box, *size)) > 0]


def is_scan(page: pdfium.PdfPage) -> bool:
    """Whether one image takes most of the page."""
    width, height = page.get_size()
    place = placing(page.get_bbox(), page.get_rotation())
    images = page.get_objects(filter=[c.FPDF_PAGEOBJ_IMAGE])
    return any(
        _area(_within(place(image.get_bounds()), width, height)) >= SCAN * width * height for image in images
    )


def placing(page: Box, rotation: int) -> Place:
    """Boxes of user space, `(left, bottom, right, top)`, to `(x0, y0, x1, y1)` on the page as it is shown.

    `page` is the visible part of user space, `rotation` the clockwise turn in degrees.
    """
    left, bottom, right, top = page

    def place(box: Box) -> Box:
        x0, y0, x1, y1 = box
        match rotation:
            case 90:
                return y0 - bottom, x0 - left, y1 - bottom, x1 - left
            case 180:
                return right - x1, y0 - bottom, right - x0, y1 - bottom
            case 270:
                return top - y1, right - x1, top - y0, right - x0
            case _:
                return x0 - left, top - y1, x1 - left, top - y0

    return place


def _glyphs(text: pdfium.PdfTextPage, index: int, place: Place) -> list[Glyph]:
    code = c.FPDFText_GetUnicode(text, index)
    character = chr(code) if code < 0x110000 else "\ufffd"  # noqa: PLR2004 - the end of Unicode
    left, right, bottom, top = (c_double() for _ in range(4))
    c.FPDFText_GetCharBox(text, index, byref(left), byref(right), byref(bottom), byref(top))
    drawn_by = c.FPDFText_GetTextObject(text, index)
    mode = c.FPDFTextObj_GetTextRenderMode(drawn_by) if drawn_by else c.FPDF_TEXTRENDERMODE_FILL
    box = place((left.value, bottom.value, right.value, top.value))
    hidden = mode in {c.FPDF_TEXTRENDERMODE_INVISIBLE, c.FPDF_TEXTRENDERMODE_CLIP}
    unmapped = c.FPDFText_HasUnicodeMapError(text, index) == 1
    return [Glyph(each, box, hidden, unmapped) for each in READ_AS.get(character, character)]


def _within(box: Box, width: float, height: float) -> Box:
    return max(box[0], 0), max(box[1], 0), min(box[2], width), min(box[3], height)


def _area(box: Box) -> float:
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])
