"""Image sources to frames, with no more memory than the pixels need."""

from collections.abc import Iterator
from io import BytesIO

import cv2
import numpy as np
from PIL import Image, WebPImagePlugin

from ocr_wire.pixels import Pixels, orientation, upright_rgb
from ocr_wire.raster import Frame, Limits, damage_is_a_problem, frame_of, inspect, reduced_frames, reduction

Source = bytes | Pixels

_RGBA = 4


def decode(source: Source, limits: Limits, reduce_above: int) -> Iterator[Frame]:
    """The pages of an image file, or one page of raw upright RGB (height, width, 3).

    A page of a file that has more than `reduce_above` pixels comes at 1/2, 1/4 ... of its sides.

    Raises:
        ImageProblem: the file breaks a limit or is damaged.
    """
    if not isinstance(source, bytes):
        yield Frame(source, width=source.shape[1], height=source.shape[0])
        return
    info = inspect(source, limits)
    if info.format == "WebP":
        yield _webp(source, info.width, info.height, reduce_above)
    else:
        yield from reduced_frames(source, limits, reduce_above)


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
        code = cv2.COLOR_BGRA2RGBA if pixels.shape[2] == _RGBA else cv2.COLOR_BGR2RGB
        image = Image.fromarray(np.asarray(cv2.cvtColor(pixels, code), np.uint8))
        return frame_of(upright_rgb(image, turn), width, height)
