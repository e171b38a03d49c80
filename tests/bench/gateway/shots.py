"""The requests that are sent."""

import io
from functools import cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ocr_wire import oip
from tests.bench.gateway.load import Shot
from tests.bench.gateway.programs import Program

SIZE = (1240, 1754)
SEED = 6
_BOUNDARY = "a-page-follows"


@cache
def page(*, noise: bool = False) -> bytes:
    """A page of text as PNG; with noise as JPEG of about 1 MB."""
    image = Image.new("RGB", SIZE, "white")
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(28)
    for row in range(40):
        draw.text(
            (90, 90 + 39 * row), f"Position {row + 1}: {row * 7919 % 997} pieces, delivered", "black", font
        )
    file = io.BytesIO()
    if noise:
        grain = np.random.default_rng(SEED).normal(0, 12, (SIZE[1], SIZE[0], 1))
        pixels = np.clip(np.asarray(image, np.float32) + grain, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(file, "JPEG", quality=93)
    else:
        image.save(file, "PNG")
    return file.getvalue()


def direct(server: Program, image: bytes) -> Shot:
    """The image to a model server, as the gateway sends it."""
    wanted = (oip.RequestedOutput("result", {"binary_data": True}),)
    request = oip.InferRequest((oip.bytes_tensor("image", (image,)),), id="bench", outputs=wanted)
    message = oip.encode_request(request)
    return Shot(f"{server.url}/v2/models/ocr/infer", message.body, tuple(message.headers.items()))


def form(url: str, image: bytes) -> Shot:
    """The image as the field `image_file` of a form."""
    head = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="image_file"; filename="page.jpg"\r\n\r\n'
    body = head.encode() + image + f"\r\n--{_BOUNDARY}--\r\n".encode()
    return Shot(url, body, (("Content-Type", f"multipart/form-data; boundary={_BOUNDARY}"),))


def through(door: Program, image: bytes) -> Shot:
    """The image to the gateway."""
    return Shot(f"{door.url}/v1/ocr", image, (("Content-Type", "application/octet-stream"),))
