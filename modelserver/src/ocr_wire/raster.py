"""Image files to upright RGB arrays, within limits that are checked on headers before any pixel is decoded.

The format is told by the first bytes, never by a name or a Content-Type.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from itertools import islice
from operator import attrgetter

from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)
from PIL.ImageFile import ImageFile

from ocr_wire.pixels import Pixels, on_its_side, orientation, upright_rgb

__all__ = [
    "FORMATS",
    "MIN_SIDE",
    "Frame",
    "ImageInfo",
    "ImageProblem",
    "Limits",
    "Pixels",
    "check_size",
    "damage_is_a_problem",
    "frame_of",
    "frames",
    "inspect",
    "opened",
    "page_sizes",
    "reduced_frame",
    "reduced_frames",
    "reduction",
    "sniff",
]

FORMATS = ("PNG", "JPEG", "WebP", "TIFF", "BMP", "GIF")
MIN_SIDE = 4

# The plugin's class, not Image.open: one decoder per file, and no pixel limit of Pillow's own before ours.
_OPENERS: dict[str, Callable[[BytesIO], ImageFile]] = {
    "PNG": PngImagePlugin.PngImageFile,
    "JPEG": JpegImagePlugin.JpegImageFile,
    "WebP": WebPImagePlugin.WebPImageFile,
    "TIFF": TiffImagePlugin.TiffImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
    "GIF": GifImagePlugin.GifImageFile,
}
_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"II+\x00", "TIFF"),
    (b"MM\x00+", "TIFF"),
    (b"BM", "BMP"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
)
_MAX_REDUCTION = 8
_WEBP_HEADER = 30


class ImageProblem(Exception):  # noqa: N818 - it becomes a problem document (RFC 9457)
    """The image cannot be read. `code` is stable; `limit` and `actual` are set where a limit was passed."""

    def __init__(self, code: str, detail: str, limit: int | None = None, actual: int | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.limit = limit
        self.actual = actual


@dataclass(frozen=True, slots=True)
class Limits:
    """`max_pixels` is width x height of one frame; `max_pages` counts the frames that are read."""

    max_pixels: int = 50_000_000
    max_pages: int = 50


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """What the headers say. `sizes` are (width, height) as stored, before EXIF orientation, of each page to
    read: one for everything but TIFF.
    """

    format: str
    sizes: tuple[tuple[int, int], ...]

    @property
    def frames(self) -> int:
        """The number of pages to read."""
        return len(self.sizes)


@dataclass(frozen=True, slots=True)
class Frame:
    """A decoded page. `width` and `height` are the upright original's; `pixels` may be reduced from it."""

    pixels: Pixels
    width: int
    height: int


def sniff(data: bytes) -> str:
    """The name of the format, of `FORMATS`.

    Raises:
        ImageProblem: empty_body or unsupported_media_type.
    """
    if not data:
        raise ImageProblem("empty_body", "The body is empty; send an image file.")
    for magic, name in _MAGIC:
        if data.startswith(magic):
            return name
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WebP"
    raise ImageProblem(
        "unsupported_media_type",
        f"The bytes are none of the image formats that are read: {', '.join(FORMATS)}.",
    )


def inspect(data: bytes, limits: Limits) -> ImageInfo:
    """Read the headers and hold them against the limits; no pixel is decoded.

    Raises:
        ImageProblem: empty_body, unsupported_media_type, undecodable_image, too_many_pixels,
            too_many_pages or image_too_small.
    """
    name = sniff(data)
    sizes: list[tuple[int, int]] = []
    for size in _sizes(data, name):
        if len(sizes) == limits.max_pages:
            raise ImageProblem(
                "too_many_pages",
                f"The file has more than {limits.max_pages} pages; split it.",
                limits.max_pages,
                limits.max_pages + 1,
            )
        check_size(*size, limits)
        sizes.append(size)
    return ImageInfo(name, tuple(sizes))


def frames(data: bytes, limits: Limits) -> Iterator[Pixels]:
    """Each page as upright uint8 RGB of shape (height, width, 3), decoded one at a time.

    Raises:
        ImageProblem: as `inspect`, before the first page; undecodable_image at any page.
    """
    # A loop's variable would hold a page while the next one is decoded.
    return map(attrgetter("pixels"), reduced_frames(data, limits, reduce_above=limits.max_pixels))


def reduced_frames(data: bytes, limits: Limits, reduce_above: int) -> Iterator[Frame]:
    """As `frames`, but a page of more than `reduce_above` pixels is decoded at 1/2, 1/4 ... of its sides.

    Raises:
        ImageProblem: as `frames`.
    """
    for index in range(inspect(data, limits).frames):
        yield reduced_frame(data, index, reduce_above)


def page_sizes(data: bytes, most: int) -> list[tuple[int, int] | ImageProblem]:
    """The stored width and height of each page, at most `most`; no pixel is decoded.

    Where the file is damaged the problem takes the page's place, and what may come behind is not found.

    Raises:
        ImageProblem: empty_body or unsupported_media_type; undecodable_image when there is no first page.
    """
    found: list[tuple[int, int] | ImageProblem] = []
    try:
        found.extend(islice(_sizes(data, sniff(data)), most))
    except ImageProblem as problem:
        if not found:
            raise
        found.append(problem)
    return found


def reduced_frame(data: bytes, index: int, reduce_above: int) -> Frame:
    """One page of a file by its index, whose size `check_size` has passed; as in `reduced_frames`.

    The file is opened anew for each: between pages nothing of the decoder is held.

    Raises:
        ImageProblem: undecodable_image.
    """
    with opened(data, sniff(data), index) as image:
        return _decode(image, reduce_above)


@contextmanager
def opened(data: bytes, form: str, index: int = 0) -> Iterator[ImageFile]:
    """The page of that index in a file of that format, its header read and its pixels not yet.

    Raises:
        ImageProblem: undecodable_image, also for what fails inside the block.
    """
    with damage_is_a_problem(), _OPENERS[form](BytesIO(data)) as image:
        if index:
            image.seek(index)
        yield image


def reduction(width: int, height: int, reduce_above: int) -> int:
    """The power of two, at most 8, by which the sides are divided to come down to `reduce_above` pixels."""
    factor = 1
    while width * height > reduce_above * factor * factor and factor < _MAX_REDUCTION:
        factor *= 2
    return factor


def frame_of(pixels: Pixels, width: int, height: int, *, turned: bool) -> Frame:
    """A frame of upright pixels; `width` and `height` are the stored original's, swapped where `turned`."""
    return Frame(pixels, height, width) if turned else Frame(pixels, width, height)


@contextmanager
def damage_is_a_problem() -> Iterator[None]:
    """Turns whatever a decoder raises on a broken file into ImageProblem undecodable_image."""
    try:
        yield
    except (ImageProblem, MemoryError):
        raise
    except Exception as error:  # on hostile bytes Pillow's plugins raise anything, they name no set
        raise ImageProblem("undecodable_image", f"The image is damaged or cut off: {error}") from error


def _sizes(data: bytes, name: str) -> Iterator[tuple[int, int]]:
    """The stored size of every page, in order; a page is parsed when it is asked for."""
    with damage_is_a_problem():
        if name == "WebP":
            # Pillow's WebP plugin reserves the whole canvas when it opens a file: too late for a limit.
            yield _webp_size(data)
            return
        with _OPENERS[name](BytesIO(data)) as image:
            yield image.size
            while name == "TIFF" and _seek_next(image):
                yield image.size


def _seek_next(image: ImageFile) -> bool:
    try:
        image.seek(image.tell() + 1)
    except EOFError:
        return False
    return True


def _webp_size(data: bytes) -> tuple[int, int]:
    """The canvas of a WebP file (RFC 9649: VP8X, lossless and lossy headers)."""
    kind = data[12:16]
    if len(data) < _WEBP_HEADER:
        raise ValueError("the WebP header is cut off")
    if kind == b"VP8X":
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    if kind == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        return int.from_bytes(data[26:28], "little") & 0x3FFF, int.from_bytes(data[28:30], "little") & 0x3FFF
    raise ValueError("the first WebP chunk is unknown")


def check_size(width: int, height: int, limits: Limits) -> None:
    """Hold the size of one frame against the limits.

    Raises:
        ImageProblem: too_many_pixels or image_too_small.
    """
    if width * height > limits.max_pixels:
        raise ImageProblem(
            "too_many_pixels",
            f"The image is {width}x{height} = {width * height} pixels; at most {limits.max_pixels} are read. "
            "Send it at a lower resolution.",
            limits.max_pixels,
            width * height,
        )
    if max(width, height) < MIN_SIDE:
        raise ImageProblem(
            "image_too_small",
            f"The image is {width}x{height} pixels; one side has to be at least {MIN_SIDE}.",
            MIN_SIDE,
            max(width, height),
        )


def _decode(image: ImageFile, reduce_above: int) -> Frame:
    width, height = image.size
    factor = reduction(width, height, reduce_above)
    if factor > 1 and isinstance(image, JpegImagePlugin.JpegImageFile):
        image.draft(None, (max(1, width // factor), max(1, height // factor)))
    image.load()
    drafted = max(image.size) < max(width, height)
    # A TIFF is turned by its plugin while it loads; the tag is gone afterwards.
    turn, loaded_turned = orientation(image), not drafted and image.size != (width, height)
    pixels = upright_rgb(image, turn, 1 if drafted else factor)
    return frame_of(pixels, width, height, turned=loaded_turned or on_its_side(turn))
