"""What the default profile must read of small drawn pages, and images of every odd shape and mode."""

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageFilter, ImageOps

from ocr_modelserver.config import Config
from ocr_modelserver.models.store import default_models_dir
from ocr_modelserver.reader import Reader, open_reader
from tests.bench import fonts
from tests.bench.pages import SPECS, render
from tests.bench.score import cer, joined, normalised
from tests.support.drawing import encoded, lines, page

PROSE = lines(8, 6)
RECEIPT = ["Total: 120.50 EUR", "VAT 19% 19.24", "(paid by card, 04-07-2024)", "Order No. A-1173/B"]
TABLE = [
    ["7 B", "34 C", "18 A", "9 C"],
    ["Bread", "Milk", "Honey", "Flour"],
    ["12.50", "0.99", "7.00", "3.45"],
]


def nothing() -> None:
    """A checkpoint that lets everything pass."""


@pytest.fixture(scope="module")
def reader() -> Reader:
    return open_reader(Config(default_models_dir(), threads=1))


def word_f1(truth: str, read: str) -> float:
    """The harmonic mean of the shares of words found and of words right, in any order."""
    wanted, found = Counter(truth.split()), Counter(read.split())
    return 2 * sum((wanted & found).values()) / max(1, wanted.total() + found.total())


def prose(size: int = 28) -> Image.Image:
    return page([PROSE], size=size, width=30 * size, height=18 * size)


def noisy(image: Image.Image) -> Image.Image:
    noise = np.random.default_rng(5).normal(0, 25, (*image.size[::-1], 1))
    return Image.fromarray(np.clip(np.asarray(image) + noise, 0, 255).astype(np.uint8))


PAGES: dict[str, tuple[Callable[[], Image.Image], list[list[str]], float]] = {
    "prose": (prose, [PROSE], 0.97),
    "receipt": (lambda: page([RECEIPT], width=500, height=300), [RECEIPT], 0.85),
    "table": (lambda: page(TABLE, width=700, height=350), TABLE, 0.9),
    "small print": (lambda: prose(14), [PROSE], 0.95),
    "noise": (lambda: noisy(prose()), [PROSE], 0.93),
    "blur": (lambda: prose().filter(ImageFilter.GaussianBlur(1.2)), [PROSE], 0.93),
    "light on dark": (lambda: ImageOps.invert(prose()), [PROSE], 0.95),
    "faint": (lambda: Image.blend(prose(), Image.new("RGB", prose().size, "white"), 0.7), [PROSE], 0.93),
    "small print upside down": (lambda: prose(14).rotate(180), [PROSE], 0.95),
    "noise upside down": (lambda: noisy(prose()).rotate(180), [PROSE], 0.93),
    "on its side": (lambda: prose().rotate(90, expand=True), [PROSE], 0.95),
    "wide strip": (lambda: page([[" ".join(PROSE)]], size=24, width=3600, height=110), [PROSE], 0.93),
}


@pytest.mark.parametrize("name", PAGES)
def test_the_words_of_a_page_are_read(reader: Reader, name: str) -> None:
    draw, columns, least = PAGES[name]

    read = reader.read(encoded(draw()), nothing).text

    assert word_f1(" ".join(text for column in columns for text in column), read) >= least, read


@pytest.mark.parametrize("name", ["columns3-de", "article-en", "magazine-de", "form-fr"])
def test_a_page_of_columns_figures_side_bars_or_fields_is_read_in_order(reader: Reader, name: str) -> None:
    fonts.install()
    (spec,) = (spec for spec in SPECS if spec.name == name)
    drawn = render(spec, "report")

    read = reader.read(drawn.data, nothing)

    assert cer(joined(drawn.lines), normalised(read.text)) <= 0.05


@pytest.mark.parametrize(
    "image",
    [
        *(Image.new("RGB", size, "white") for size in ((3000, 25), (25, 3000), (6000, 20), (4, 4))),
        *(Image.new(mode, (300, 200)) for mode in ("1", "P", "L", "LA", "RGBA", "I;16")),
        Image.new("RGB", (300, 200), "black"),
        Image.effect_noise((300, 200), 120),
    ],
    ids=lambda image: f"{image.mode} {image.width}x{image.height} {image.getextrema()}",
)
def test_an_image_without_text_of_any_shape_and_mode_has_no_lines(reader: Reader, image: Image.Image) -> None:
    (found,) = reader.read(encoded(image), nothing).pages

    assert (found.width, found.height, found.lines) == (*image.size, ())


def test_a_page_reads_the_same_when_its_lines_are_shared_among_threads(reader: Reader) -> None:
    image = encoded(noisy(prose(18)))
    shared = open_reader(Config(default_models_dir(), threads=2, mode="latency"))

    (one,), (two,) = (each.read(image, nothing).pages for each in (reader, shared))

    assert one.lines == two.lines
    assert len(one.lines) == len(PROSE)


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "RGBA"])
def test_text_is_read_in_every_mode(reader: Reader, mode: str) -> None:
    image = page([["invoice 4711"]], width=500, height=200).convert(mode)

    read = reader.read(encoded(image, "JPEG" if mode == "CMYK" else "PNG"), nothing)

    assert read.text == "invoice 4711"
