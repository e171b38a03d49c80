"""Image sources to pages, and pages to frames, with no more memory than the pixels need."""

from dataclasses import dataclass
from io import BytesIO

import cv2
import numpy as np
from PIL import Image, WebPImagePlugin

from ocr_wire.pixels import Pixels, on_its_side, orientation, upright, upright_rgb
from ocr_wire.raster import (
    Frame,
    Limits,
    check_size,
    damage_is_a_problem,
    frame_of,
    inspect,
    reduced_frame,
    reduction,
    sniff,
)

Source = bytes | Pixels

_RGBA = 4


@dataclass(frozen=True, slots=True)
class Sheet:
    """A page that is not decoded yet: one of an image file, or raw upright RGB (height, width, 3).

    `width` and `height` are what the header says.
    """

    source: Source
    index: int
    width: int
    height: int

    @property
    def pixels(self) -> int:
        """Pixels of the stored page."""
        return self.width * self.height

    @property
    def source_bytes(self) -> int:
        """What the source takes."""
        return len(self.source) if isinstance(self.source, bytes) else self.source.nbytes

    @property
    def size(self) -> float:
        """About how much work it is to read, before anything is known of its text; a letter page has 1 to 2.

        Lines and their widths grow with the sides as much as the page's print allows, not with the pixels.
        """
        return 0.3 + min(self.pixels, 4_000_000) / 3e6 + self.pixels / 5e7


def sheets(source: Source, limits: Limits) -> list[Sheet]:
    """The pages of a source, held against the limits by their headers; no pixel is decoded.

    Raises:
        ImageProblem: the file breaks a limit or is damaged.
    """
    if isinstance(source, bytes):
        sizes = inspect(source, limits).sizes
        return [Sheet(source, index, *size) for index, size in enumerate(sizes)]
    height, width, _ = source.shape
    check_size(width, height, limits)
    return [Sheet(source, 0, width, height)]


def decode(sheet: Sheet, reduce_above: int) -> Frame:
    """The page's pixels; one of a file with more than `reduce_above` comes at 1/2, 1/4 ... of its sides.

    Raises:
        ImageProblem: the file is damaged.
    """
    if not isinstance(sheet.source, bytes):
        return Frame(sheet.source, width=sheet.width, height=sheet.height)
    if sniff(sheet.source) == "WebP":
        return _webp(sheet.source, sheet.width, sheet.height, reduce_above)
    return reduced_frame(sheet.source, sheet.index, reduce_above)


def _webp(data: bytes, width: int, height: int, reduce_above: int) -> Frame:
    # Pillow decodes WebP through the animation decoder, which takes 16 bytes a pixel: 50 megapixels would
    # burst a pod of 1 GiB. OpenCV takes 3 or 4.
    with damage_is_a_problem():
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        if pixels is None:
            raise ValueError("the WebP data cannot be decoded")
        factor = reduction(width, height, reduce_above)
        if factor > 1:
            size = (max(1, width // factor), max(1, height // factor))
            pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
        with WebPImagePlugin.WebPImageFile(BytesIO(data)) as header:
            turn = orientation(header)
        upright_pixels = _upright_rgb(np.asarray(pixels, np.uint8), turn)
        return frame_of(upright_pixels, width, height, turned=on_its_side(turn))


def _upright_rgb(bgr: Pixels, turn: int) -> Pixels:
    """OpenCV's BGR or BGRA, which is overwritten, as upright RGB."""
    if bgr.shape[2] != _RGBA:
        return upright(np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB, bgr), np.uint8), turn)
    rgba = np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGRA2RGBA, bgr), np.uint8)
    return upright_rgb(Image.fromarray(rgba), turn)
