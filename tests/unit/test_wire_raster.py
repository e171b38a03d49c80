"""Image files to upright RGB, within limits."""

import contextlib
import io

import numpy as np
import pytest
from PIL import Image, ImageColor, ImageDraw, ImageOps

from ocr_wire.raster import ImageProblem, Limits, frames, inspect, reduced_frames, sniff
from tests.support.drawing import encoded
from tests.support.hostile import png_of

LIMITS = Limits()
FORMATS = ["PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF"]


def picture(width: int = 400, height: int = 300) -> Image.Image:
    """White, with a red corner at the top left."""
    image = Image.new("RGB", (width, height), "white")
    ImageDraw.Draw(image).rectangle((0, 0, width // 4, height // 4), fill="red")
    return image


def problem(data: bytes, limits: Limits = LIMITS) -> ImageProblem:
    with pytest.raises(ImageProblem) as caught:
        list(frames(data, limits))
    return caught.value


@pytest.mark.parametrize("file_format", FORMATS)
def test_every_format_is_read_as_rgb(file_format: str) -> None:
    data = encoded(picture(), file_format)

    (pixels,) = frames(data, LIMITS)

    assert pixels.shape == (300, 400, 3)
    assert pixels.dtype == np.uint8
    assert pixels[10, 10, 0] > 245
    assert pixels[10, 10, 1] < 10
    assert pixels[200, 200].min() > 250
    assert inspect(data, LIMITS).frames == 1


@pytest.mark.parametrize(
    ("mode", "file_format"),
    [
        ("1", "PNG"), ("L", "PNG"), ("LA", "PNG"), ("P", "PNG"), ("RGBA", "PNG"), ("RGBA", "WEBP"),
        ("1", "TIFF"), ("CMYK", "JPEG"), ("CMYK", "TIFF"), ("YCbCr", "TIFF"), ("P", "BMP"),
        ("RGBA", "TIFF"),
    ],
)  # fmt: skip
def test_every_colour_mode_becomes_rgb(mode: str, file_format: str) -> None:
    (pixels,) = frames(encoded(picture().convert(mode), file_format), LIMITS)

    assert pixels.shape == (300, 400, 3)
    assert pixels[200, 200].min() > 245
    assert pixels[20, 20].astype(int).sum() < 300


@pytest.mark.parametrize("file_format", ["PNG", "TIFF"])
@pytest.mark.parametrize("dtype", ["uint16", "int32", "float32"])
def test_deep_samples_keep_their_contrast(file_format: str, dtype: str) -> None:
    if file_format == "PNG" and dtype != "uint16":
        dtype = "uint16"
    samples = np.linspace(0, 65535, 100 * 100).reshape(100, 100).astype(dtype)

    (pixels,) = frames(encoded(Image.fromarray(samples), file_format), LIMITS)

    assert pixels[0, 0].tolist() == [0, 0, 0]
    assert pixels[99, 99].tolist() == [255, 255, 255]
    assert abs(int(pixels[50, 0, 0]) - 128) <= 2


@pytest.mark.parametrize(
    ("ink", "paper"), [("black", 255), ((120, 120, 250), 255), ("white", 0), ((245, 250, 255), 0)]
)
@pytest.mark.parametrize("reduce_above", [40 * 40, 20 * 20])
def test_transparency_is_laid_over_white_and_under_white_ink_over_black(
    ink: str | tuple[int, int, int], paper: int, reduce_above: int
) -> None:
    image = Image.new("RGBA", (40, 40), (255, 255, 255, 0))
    image.paste(ink, (0, 0, 20, 40))

    (frame,) = reduced_frames(encoded(image), LIMITS, reduce_above)

    left, right = np.split(frame.pixels, 2, axis=1)
    assert (left == (ImageColor.getrgb(ink) if isinstance(ink, str) else ink)).all()
    assert (right == paper).all()


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_exif_orientation_is_applied(orientation: int, file_format: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(picture(), file_format, exif=exif)

    (whole,) = reduced_frames(data, LIMITS, reduce_above=10**9)
    (half,) = reduced_frames(data, LIMITS, reduce_above=400 * 300 // 3)

    with Image.open(io.BytesIO(data)) as stored:
        expected = np.asarray(ImageOps.exif_transpose(stored).convert("RGB"))
    assert np.array_equal(whole.pixels, expected)
    assert half.pixels.shape == (expected.shape[0] // 2, expected.shape[1] // 2, 3)
    assert (half.width, half.height) == (whole.width, whole.height) == (expected.shape[1], expected.shape[0])


def test_all_pages_of_a_tiff_come_in_order() -> None:
    pages = [Image.new("L", (30 + n, 40), 40 * n) for n in range(4)]
    data = encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:])

    read = list(frames(data, LIMITS))

    assert inspect(data, LIMITS).frames == 4
    assert [(p.shape[1], int(p[0, 0, 0])) for p in read] == [(30, 0), (31, 40), (32, 80), (33, 120)]


@pytest.mark.parametrize("file_format", ["GIF", "WEBP", "PNG"])
def test_of_an_animation_the_first_frame_is_read(file_format: str) -> None:
    first, second = Image.new("RGB", (30, 30), "red"), Image.new("RGB", (30, 30), "blue")
    data = encoded(first, file_format, save_all=True, append_images=[second])

    (pixels,) = frames(data, LIMITS)

    assert pixels[15, 15, 0] > 240
    assert pixels[15, 15, 2] < 15


def test_an_empty_body_is_refused() -> None:
    assert problem(b"").code == "empty_body"


@pytest.mark.parametrize("data", [b"hello", b"%PDF-1.7", b"<svg/>", b"\0" * 100, b"RIFF\0\0\0\0WAVE"])
def test_other_bytes_are_refused_with_the_formats_that_are_read(data: bytes) -> None:
    refused = problem(data)

    assert refused.code == "unsupported_media_type"
    assert "PNG, JPEG, WebP, TIFF, BMP, GIF" in refused.detail


@pytest.mark.parametrize("file_format", FORMATS)
@pytest.mark.parametrize("share", [0.05, 0.5, 0.97])
@pytest.mark.filterwarnings("ignore")  # Pillow warns about the damage before it gives up
def test_a_truncated_image_is_refused_as_undecodable(file_format: str, share: float) -> None:
    noise = Image.effect_noise((200, 150), 90).convert("RGB")
    data = encoded(noise, file_format)

    assert problem(data[: max(20, int(len(data) * share))]).code == "undecodable_image"


@pytest.mark.parametrize("file_format", FORMATS)
@pytest.mark.filterwarnings("ignore")
def test_damaged_bytes_are_read_or_refused_but_raise_nothing_else(file_format: str) -> None:
    data = bytearray(encoded(picture(60, 50), file_format))
    random = np.random.default_rng(4)
    for _ in range(60):
        broken = bytearray(data)
        for position in random.integers(4, len(data), 4):
            broken[position] = random.integers(256)
        with contextlib.suppress(ImageProblem):
            list(frames(bytes(broken), Limits(max_pixels=1_000_000)))


def test_a_pixel_bomb_is_refused_by_its_header() -> None:
    refused = problem(png_of(30_000, 30_000))

    assert (refused.code, refused.limit, refused.actual) == ("too_many_pixels", 50_000_000, 900_000_000)
    assert "30000x30000" in refused.detail


def test_a_webp_bomb_is_refused_by_its_header() -> None:
    canvas = (16383).to_bytes(3, "little") * 2
    data = b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + canvas

    assert problem(data).code == "too_many_pixels"


def test_a_large_page_behind_a_small_one_is_refused_before_any_is_decoded() -> None:
    small, large = Image.new("1", (20, 20)), Image.new("1", (2000, 2000))
    data = encoded(small, "TIFF", save_all=True, append_images=[large])

    with pytest.raises(ImageProblem, match="2000x2000"):
        next(frames(data, Limits(max_pixels=1_000_000)))


def test_more_pages_than_the_limit_are_refused() -> None:
    pages = [Image.new("1", (20, 20)) for _ in range(4)]
    data = encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:])

    refused = problem(data, Limits(max_pages=3))

    assert (refused.code, refused.limit) == ("too_many_pages", 3)
    assert len(list(frames(data, Limits(max_pages=4)))) == 4


@pytest.mark.parametrize("size", [(1, 1), (3, 3), (1, 3)])
def test_an_image_with_both_sides_under_the_minimum_is_refused(size: tuple[int, int]) -> None:
    refused = problem(encoded(Image.new("L", size)))

    assert (refused.code, refused.limit) == ("image_too_small", 4)


@pytest.mark.parametrize("size", [(20_000, 20), (20, 20_000), (4, 1), (1, 4)])
def test_long_and_narrow_images_are_read(size: tuple[int, int]) -> None:
    (pixels,) = frames(encoded(Image.new("L", size, 255)), LIMITS)

    assert pixels.shape == (size[1], size[0], 3)


def test_the_format_is_told_by_the_bytes() -> None:
    assert [sniff(encoded(picture(8, 8), name)) for name in FORMATS] == [
        "PNG", "JPEG", "WebP", "TIFF", "BMP", "GIF",
    ]  # fmt: skip
