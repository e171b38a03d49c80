"""Pages with a text layer: those of a PDF as they are, those of an image file made around its images."""

import io
from collections.abc import Sequence

import pikepdf
from pikepdf import Array, Dictionary, Name, Page, Pdf

from ocr_gateway.formats.pdf import images
from ocr_gateway.formats.pdf.font import Glyphs, add_font
from ocr_gateway.formats.pdf.order import Order, Sheet
from ocr_gateway.formats.pdf.text import Placing, layer
from ocr_wire.raster import ImageProblem
from ocr_wire.result import Point

_HEADER = b"%PDF-"
# Where readers look for the header (ISO 32000-1, annex H, note 13).
_HEADER_WITHIN = 1024
# The longest side that every viewer shows, in points (ISO 32000-1, annex C).
_LONGEST = 14_400
_A4 = (595, 842)
# What sets the unit square, in which an image is drawn, upright: by EXIF orientation (EXIF 2.3, tag 0x0112).
_UPRIGHT = {
    1: (1, 0, 0, 1, 0, 0),
    2: (-1, 0, 0, 1, 1, 0),
    3: (-1, 0, 0, -1, 1, 1),
    4: (1, 0, 0, -1, 0, 1),
    5: (0, -1, -1, 0, 1, 1),
    6: (0, -1, 1, 0, 0, 1),
    7: (0, 1, 1, 0, 0, 0),
    8: (0, 1, -1, 0, 1, 0),
}
_ON_ITS_SIDE = 5


def write(order: Order, document: bytes) -> bytes:
    """The PDF of the wanted pages; nothing that was compressed is compressed anew."""
    is_pdf = _HEADER in document[:_HEADER_WITHIN]
    pdf = _selected(order.numbers, document) if is_pdf else Pdf.new()
    font, glyphs = pdf.make_indirect(Dictionary()), Glyphs()
    for place, (number, packed) in enumerate(zip(order.numbers, order.sheets, strict=True)):
        sheet = Sheet.model_validate_json(packed)
        if not is_pdf:
            _add_image(pdf, number, sheet, document)
        page = pdf.pages[place]
        if sheet.lines:
            name = page.add_resource(font, Name.Font, prefix="OCR")
            # First, so that it does not matter in what state the page's own content leaves the canvas.
            page.contents_add(layer(sheet, _placing(page, sheet), glyphs, str(name)), prepend=True)
    add_font(pdf, font, glyphs)
    out = io.BytesIO()
    pdf.save(out, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    return out.getvalue()


def _selected(numbers: Sequence[int], document: bytes) -> Pdf:
    """The PDF itself when all of its pages are wanted, else a new one without a trace of the others."""
    source = Pdf.open(io.BytesIO(document))
    if list(numbers) == list(range(1, len(source.pages) + 1)):
        return source
    pdf = Pdf.new()
    pdf.pages.extend(source.pages[number - 1] for number in numbers)
    return pdf


def _add_image(pdf: Pdf, number: int, sheet: Sheet, document: bytes) -> None:
    """A page of the image's size; an empty one for an image that could not be read either."""
    try:
        picture = images.embed(pdf, document, number - 1)
    except ImageProblem:
        if sheet.width:
            raise
        pdf.add_blank_page(page_size=_A4)
        return
    width, height = picture.size
    # What is no orientation is left as it is, as in `ocr_wire.pixels`.
    turn = picture.turn if picture.turn in _UPRIGHT else 1
    if turn >= _ON_ITS_SIDE:
        width, height = height, width
    shrink = min(1, _LONGEST / max(width, height))
    width, height = max(width * shrink, 3), max(height * shrink, 3)
    page = pdf.add_blank_page(page_size=(width, height))
    page.obj.Resources = Dictionary(XObject=Dictionary(Scan=picture.image))
    sides = (width, height) * 3
    matrix = " ".join(f"{part * side:.3f}" for part, side in zip(_UPRIGHT[turn], sides, strict=True))
    page.obj.Contents = pdf.make_stream(f"q {matrix} cm /Scan Do Q\n".encode())


def _placing(page: Page, sheet: Sheet) -> Placing:
    """How pixels of the page as it is shown become points of it as it is stored."""
    left, bottom, right, top = _shown(page)
    wide, high = right - left, top - bottom

    def place(x: float, y: float) -> Point:
        across, down = x / sheet.width, y / sheet.height
        match page.rotation:
            case 90:
                return left + down * wide, bottom + across * high
            case 180:
                return right - across * wide, bottom + down * high
            case 270:
                return right - down * wide, top - across * high
            case _:
                return left + across * wide, top - down * high

    return place


def _shown(page: Page) -> tuple[float, float, float, float]:
    """The part of the page that is drawn: its crop box as far as it lies in the media box, as in PDFium."""
    media, crop = _box(page.mediabox), _box(page.cropbox)
    left, bottom = max(media[0], crop[0]), max(media[1], crop[1])
    right, top = min(media[2], crop[2]), min(media[3], crop[3])
    return (left, bottom, right, top) if left < right and bottom < top else media


def _box(array: Array) -> tuple[float, float, float, float]:
    """A rectangle names any two opposite corners (ISO 32000-1, 7.9.5)."""
    x0, y0, x1, y1 = (float(value) for value in array)
    return min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)
