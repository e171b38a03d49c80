"""Image files that decoders stumble over: rare kinds, extreme shapes, bombs, and damage of any sort."""

import io
import random
import struct
import zlib
from collections.abc import Iterator

from PIL import Image, ImageCms, ImageDraw, ImageFont

from tests.support.drawing import encoded

FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF")
_PNG = b"\x89PNG\r\n\x1a\n"
_BOMB = zlib.compress(bytes(64 << 20), 9)


def written(width: int = 200, height: int = 60, mode: str = "RGB") -> Image.Image:
    """A little text in black on white."""
    image = Image.new("L", (width, height), 255)
    size = max(8, min(30, height - 10))
    for x in range(8, max(9, width - 90), 160):
        ImageDraw.Draw(image).text((x, 5), "Total 42", fill=0, font=ImageFont.load_default(size))
    return image.convert(mode)


def chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of a PNG file."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_of(width: int, height: int, *extra: bytes) -> bytes:
    """A PNG that claims to be of that size and has no pixels to speak of, with further chunks."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return _PNG + header + b"".join(extra) + chunk(b"IDAT", zlib.compress(bytes(64))) + chunk(b"IEND", b"")


def readable() -> dict[str, bytes]:
    """Files that have to be read, by what is special about them; those of `written` text say "Total 42"."""
    return {**dict(_shapes()), **dict(_modes()), **dict(_attributes())}


def _shapes() -> Iterator[tuple[str, bytes]]:
    for width, height in ((3000, 25), (25, 3000), (6000, 20), (5, 5), (4, 1)):
        yield f"{width}x{height}", encoded(written(width, height))
    for colour in ("black", "white"):
        yield f"solid {colour}", encoded(Image.new("RGB", (300, 200), colour))
    yield "noise", encoded(Image.effect_noise((300, 200), 120))


def _modes() -> Iterator[tuple[str, bytes]]:
    yield "1 bit", encoded(written(mode="1"))
    yield "palette", encoded(written(mode="P"))
    yield "palette with transparency", encoded(written(mode="P"), transparency=255)
    yield "CMYK JPEG", encoded(written(mode="CMYK"), "JPEG")
    yield "16 bits", encoded(written(mode="L").convert("I").point(lambda value: value * 257).convert("I;16"))
    paper = Image.new("RGBA", (200, 60))
    paper.putalpha(written(mode="L").point(lambda value: 255 - value))
    yield "text in the alpha", encoded(paper)


def _attributes() -> Iterator[tuple[str, bytes]]:
    for turn in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = turn
        yield f"EXIF {turn}", encoded(written(), "JPEG", exif=exif)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    yield "ICC profile", encoded(written(), icc_profile=profile)
    yield "broken ICC profile", encoded(written(), icc_profile=profile[:99])
    yield "bytes behind the end", encoded(written()) + bytes(5000)


def refusable() -> dict[str, tuple[bytes, set[str]]]:
    """Files that have to be refused, each with the codes that are right."""
    damaged, large = {"undecodable_image"}, {"too_many_pixels"}
    text = encoded(written())
    bmp = bytearray(encoded(written(), "BMP"))
    bmp[18:26] = struct.pack("<ii", 60_000, 60_000)
    gif = bytearray(encoded(written(), "GIF"))
    gif[6:10] = struct.pack("<HH", 65_535, 65_535)
    jpeg = encoded(written(), "JPEG")
    frame = jpeg.index(b"\xff\xc0") + 5
    return {
        "cut off": (text[: len(text) // 2], damaged),
        "iTXt bomb": (png_of(9, 9, chunk(b"iTXt", b"a\0\1\0\0\0" + _BOMB)), damaged),
        "zTXt bomb": (png_of(9, 9, chunk(b"zTXt", b"a\0\0" + _BOMB)), damaged),
        "iCCP bomb": (png_of(9, 9, chunk(b"iCCP", b"a\0\0" + _BOMB)), damaged),
        "PNG of 2^31": (png_of(2**31 - 1, 2**31 - 1), large),
        "PNG of 1 x 10^9": (png_of(1, 10**9), large),
        "BMP of 60000": (bytes(bmp), large),
        "GIF of 65535": (bytes(gif), large),
        "JPEG of 65535": (jpeg[:frame] + b"\xff\xff\xff\xff" + jpeg[frame + 4 :], large),
        "1x1": (encoded(Image.new("L", (1, 1))), {"image_too_small"}),
    }


def seeds() -> list[bytes]:
    """Good small files of every format, to be damaged."""
    plain = [encoded(written(), name) for name in FORMATS]
    pages = io.BytesIO()
    written().save(pages, "TIFF", save_all=True, append_images=[written(90, 40)], compression="tiff_lzw")
    return [*plain, pages.getvalue(), *readable().values()]


def mutated(data: bytes, rng: random.Random) -> bytes:
    """The file with one to four damages: bytes changed, cut out, repeated, or numbers made extreme."""
    broken = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        place, length = rng.randrange(len(broken)), rng.choice((1, 2, 4, 8, 64))
        kind = rng.randrange(6)
        if kind == 0:
            broken[place : place + length] = rng.randbytes(length)
        elif kind == 1:
            broken[place : place + 4] = rng.choice((b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff"))
        elif kind == 2:
            broken[place : place + length] = broken[place : place + length] * rng.randint(2, 9)
        elif kind == 3 and len(broken) > 2 * length:
            del broken[place : place + length]
        elif kind == 4:
            broken[place] ^= 1 << rng.randrange(8)
        else:
            head = rng.randrange(min(len(broken), 64))
            broken[head] = rng.randrange(256)
    if rng.random() < 0.2:
        del broken[rng.randrange(8, max(9, len(broken))) :]
    return bytes(broken)
