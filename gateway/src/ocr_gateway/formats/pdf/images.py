"""Image files as the images of a PDF, without a loss: JPEG and PNG as they came, all else deflated."""

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from pikepdf import Array, Dictionary, Name, Object, Pdf, Stream, String
from PIL import Image
from PIL.ImageFile import ImageFile

from ocr_wire import raster
from ocr_wire.pixels import Pixels, orientation, upright_rgb

_POINTS_PER_INCH = 72
# Pixels an inch of an image that names none, or none that a scanner has.
_DEFAULT_DPI = 200
_LEAST_DPI, _MOST_DPI = 30, 4800
_PNG_SIGNATURE_LENGTH = 8
_GREY, _RGB, _PALETTE = 0, 2, 3


@dataclass(frozen=True)
class Picture:
    """An image in a PDF: its width and height in points as stored, and its EXIF orientation."""

    image: Stream
    size: tuple[float, float]
    turn: int = 1


def embed(pdf: Pdf, data: bytes, index: int) -> Picture:
    """The page of that index, from 0, of an image file.

    Raises:
        ImageProblem: it cannot be decoded.
    """
    form = raster.sniff(data)
    with raster.opened(data, form, index) as image:
        stored = None
        if form == "JPEG":
            stored = _jpeg(pdf, data, image)
        elif form == "PNG":
            stored = _png(pdf, data)
        if stored is not None:
            return Picture(stored, _size(image), orientation(image))
        # A TIFF is turned by its plugin while it loads; the tag is gone afterwards.
        image.load()
        plain = image.mode in {"1", "L"} and not image.has_transparency_data
        return Picture(
            _deflated(pdf, image if plain else _least(upright_rgb(image, 1))),
            _size(image),
            orientation(image),
        )


def _size(image: ImageFile) -> tuple[float, float]:
    """Width and height in points."""
    across, down = image.info.get("dpi", (0, 0))
    if not (_LEAST_DPI <= across <= _MOST_DPI and _LEAST_DPI <= down <= _MOST_DPI):
        across = down = _DEFAULT_DPI
    return image.width * _POINTS_PER_INCH / float(across), image.height * _POINTS_PER_INCH / float(down)


def _jpeg(pdf: Pdf, data: bytes, image: ImageFile) -> Stream | None:
    spaces = {"L": Name.DeviceGray, "RGB": Name.DeviceRGB, "CMYK": Name.DeviceCMYK}
    if image.mode not in spaces:
        return None
    stream = _image(pdf, data, image.size, 8, spaces[image.mode])
    stream.Filter = Name.DCTDecode
    if image.mode == "CMYK" and "adobe" in image.info:
        # Adobe's programs store inks inverted, and say so by nothing but their mark.
        stream.Decode = Array([1, 0] * 4)
    return stream


def _png(pdf: Pdf, data: bytes) -> Stream | None:
    """A PNG's own compressed rows; None for what a PDF cannot take so: transparency and interlacing."""
    chunks = list(_chunks(data))
    width, height, bits, colour, _, _, interlaced = struct.unpack(">IIBBBBB", chunks[0][1])
    if interlaced or colour not in {_GREY, _RGB, _PALETTE} or any(kind == b"tRNS" for kind, _ in chunks):
        return None
    rows = b"".join(body for kind, body in chunks if kind == b"IDAT")
    palette = b"".join(body for kind, body in chunks if kind == b"PLTE")
    stream = _image(pdf, rows, (width, height), bits, _png_space(colour, palette))
    stream.Filter = Name.FlateDecode
    colours = 3 if colour == _RGB else 1
    # Each row says which of PNG's predictors it has (ISO 32000-1, 7.4.4.4).
    stream.DecodeParms = Dictionary(Predictor=15, Colors=colours, BitsPerComponent=bits, Columns=width)
    return stream


def _png_space(colour: int, palette: bytes) -> Object:
    if colour == _PALETTE:
        return Array([Name.Indexed, Name.DeviceRGB, len(palette) // 3 - 1, String(palette)])
    return Name.DeviceRGB if colour == _RGB else Name.DeviceGray


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The chunks up to the end of the pixels: kind and body."""
    place = _PNG_SIGNATURE_LENGTH
    while place + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        if kind == b"IEND":
            return
        yield kind, data[place + 8 : place + 8 + length]
        place += length + 12


def _least(pixels: Pixels) -> Image.Image:
    """The pixels in as many channels as they need: grey or colour."""
    red, green, blue = (pixels[..., channel] for channel in range(3))
    grey = np.array_equal(red, green) and np.array_equal(red, blue)
    return Image.fromarray(red if grey else pixels)


def _deflated(pdf: Pdf, image: Image.Image) -> Stream:
    """An opaque image as the rows of a PNG."""
    file = io.BytesIO()
    image.save(file, "PNG")
    stream = _png(pdf, file.getvalue())
    assert stream is not None  # noqa: S101 - neither transparent nor interlaced
    return stream


def _image(pdf: Pdf, data: bytes, size: tuple[int, int], bits: int, space: Object) -> Stream:
    width, height = size
    return pdf.make_stream(
        data,
        Type=Name.XObject,
        Subtype=Name.Image,
        Width=width,
        Height=height,
        ColorSpace=space,
        BitsPerComponent=bits,
    )
