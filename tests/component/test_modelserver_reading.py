"""Reading drawn pages with the real networks: words, order, turns, places."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageFilter, ImageOps

from ocr_modelserver.config import Config
from ocr_modelserver.models.store import default_models_dir
from ocr_modelserver.reader import Reader, open_reader
from ocr_wire.result import Page
from tests.bench.geometry import area, clipped
from tests.support.drawing import encoded, lines, page, word_places

Corner = tuple[float, float]

WIDTH, HEIGHT = 900, 420
LEFT, RIGHT = lines(9, 5), lines(9, 5, 3)


def nothing() -> None:
    """A checkpoint that lets everything pass."""


@pytest.fixture(scope="module")
def reader() -> Reader:
    return open_reader(Config(default_models_dir(), threads=1))


def read(reader: Reader, image: Image.Image) -> Page:
    (only,) = reader.read(encoded(image), nothing).pages
    return only


def two_columns() -> Image.Image:
    return page([LEFT, RIGHT], size=22, width=WIDTH, height=HEIGHT)


def test_two_columns_are_read_word_for_word_one_after_the_other(reader: Reader) -> None:
    assert read(reader, two_columns()).text.split("\n") == LEFT + RIGHT


@pytest.mark.parametrize(
    ("turn", "first_corner"),
    [
        (lambda image: image.rotate(180), (1, 1)),
        (lambda image: image.rotate(90, expand=True), (0, 1)),
        (lambda image: image.rotate(-90, expand=True), (1, 0)),
    ],
    ids=["upside down", "left side up", "right side up"],
)
def test_a_turned_page_reads_like_the_upright_one_with_places_in_its_own_frame(
    reader: Reader, turn: Callable[[Image.Image], Image.Image], first_corner: tuple[int, int]
) -> None:
    image = turn(two_columns())

    found = read(reader, image)

    assert found.text.split("\n") == LEFT + RIGHT
    assert (found.width, found.height) == image.size
    x, y = found.lines[0].polygon[0]
    assert (round(x / image.width), round(y / image.height)) == first_corner


@pytest.mark.parametrize(("degrees", "rotation"), [(90, 90), (180, 180), (270, 270)])
def test_short_cells_whose_columns_look_like_lines_are_read_whichever_way_the_table_lies(
    reader: Reader, degrees: int, rotation: int
) -> None:
    cells = ["NE", "SF", "GB", "DAL", "4-1", "12", "7", "LA", "NYG", "31", "KC", "9.5"]
    columns = [
        [cells[(5 * row + 7 * column + row * column) % 12] for row in range(20)] for column in range(8)
    ]
    table = page(columns, size=22, width=800, height=800)

    upright, turned = read(reader, table), read(reader, table.rotate(degrees, expand=True))

    assert (upright.rotation, turned.rotation) == (0, rotation)
    assert turned.text == upright.text


def sideways_by_exif(image: Image.Image) -> bytes:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    return encoded(image.transpose(Image.Transpose.ROTATE_90), "JPEG", quality=95, exif=exif)


SHOWN: dict[str, tuple[Callable[[Image.Image], bytes], Callable[[Corner], Corner], int]] = {
    "upright": (encoded, lambda p: p, 0),
    "upside down": (lambda i: encoded(i.rotate(180)), lambda p: (WIDTH - p[0], HEIGHT - p[1]), 180),
    "left": (lambda i: encoded(i.rotate(90, expand=True)), lambda p: (p[1], WIDTH - p[0]), 90),
    "right": (lambda i: encoded(i.rotate(-90, expand=True)), lambda p: (HEIGHT - p[1], p[0]), 270),
    "turned by EXIF": (sideways_by_exif, lambda p: p, 0),
    "reduced": (lambda i: encoded(i.resize((9 * WIDTH, 9 * HEIGHT))), lambda p: (9 * p[0], 9 * p[1]), 0),
}


@pytest.mark.parametrize("way", SHOWN)
def test_the_boxes_of_words_hit_the_words_in_the_frame_of_the_original(reader: Reader, way: str) -> None:
    shown, place, rotation = SHOWN[way]

    (found,) = reader.read(shown(two_columns()), nothing).pages

    assert (found.rotation, found.skew) == (rotation, pytest.approx(0, abs=0.3))
    words = [word for line in found.lines for word in line.words]
    truth = word_places([LEFT, RIGHT], size=22, width=WIDTH)
    assert [word.text for word in words] == [text for text, _ in truth]
    for word, (text, (x0, y0, x1, y1)) in zip(words, truth, strict=True):
        true = [place(corner) for corner in ((x0, y0), (x1, y0), (x1, y1), (x0, y1))]
        common = area(clipped(word.polygon, true))
        assert common / (area(word.polygon) + area(true) - common) > 0.5, text
        assert math.dist(word.polygon[0], true[0]) < math.dist(word.polygon[0], true[2]), text


def test_each_column_of_prose_is_a_paragraph_and_a_wider_space_begins_another(reader: Reader) -> None:
    found = read(reader, page([[*LEFT[:4], "", *LEFT[4:]], RIGHT], size=22, width=900, height=460))

    assert [line.block for line in found.lines] == [0] * 4 + [1] * 5 + [2] * 9


@pytest.mark.parametrize("degrees", [-3, 3])
def test_a_slightly_tilted_page_keeps_its_words_and_order(reader: Reader, degrees: float) -> None:
    image = two_columns().rotate(degrees, expand=True, fillcolor="white", resample=Image.Resampling.BICUBIC)

    result = read(reader, image)

    assert result.skew == pytest.approx(-degrees, abs=0.5)
    found = result.text.split()
    wanted = " ".join(LEFT + RIGHT).split()
    assert len(found) == pytest.approx(len(wanted), abs=2)
    assert sum(a == b for a, b in zip(found, wanted, strict=False)) > 0.9 * len(wanted)


def test_a_large_page_is_reduced_and_its_places_are_those_of_the_original(reader: Reader) -> None:
    small = page([LEFT], size=28, width=600, height=600)
    large = small.resize((6000, 6000), Image.Resampling.BICUBIC)

    expected, found = read(reader, small), read(reader, large)

    assert (found.width, found.height) == (6000, 6000)
    assert found.text == expected.text
    for one, other in zip(found.lines, expected.lines, strict=True):
        assert [side / 10 for side in one.bbox] == pytest.approx(other.bbox, abs=6)


def test_a_lone_stroke_is_not_read_lying_down(reader: Reader) -> None:
    found = read(reader, page([["room", "1", "2"]], size=40, width=300, height=300))

    assert [line.text for line in found.lines] == ["room", "1", "2"]


def test_noise_and_blur_without_text_give_no_lines(reader: Reader) -> None:
    noise = Image.effect_noise((800, 800), 100)

    assert read(reader, noise).lines == ()
    assert read(reader, noise.filter(ImageFilter.GaussianBlur(8))).lines == ()


def test_work_can_be_given_up_between_lines(reader: Reader) -> None:
    class GivenUpError(Exception):
        pass

    calls = 0

    def checkpoint() -> None:
        nonlocal calls
        calls += 1
        if calls > 6:
            raise GivenUpError

    with pytest.raises(GivenUpError):
        reader.read(encoded(two_columns()), checkpoint)
    assert calls == 7


def test_the_other_model_of_the_catalogue_reads_too() -> None:
    other = open_reader(Config(default_models_dir(), threads=1, model="ppocrv4"))

    found = read(other, page([["Invoice", "12345"]], size=40, width=400, height=200))

    assert [line.text for line in found.lines] == ["Invoice", "12345"]
    assert other.model.name == "ppocrv4"


def test_threads_within_a_page_do_not_change_what_is_read(reader: Reader) -> None:
    faster = open_reader(Config(default_models_dir(), threads=2, mode="latency"))

    assert read(faster, two_columns()).text == read(reader, two_columns()).text


def test_raw_pixels_that_cannot_be_written_to_are_read(reader: Reader) -> None:
    pixels = np.frombuffer(two_columns().tobytes(), np.uint8).reshape(420, 900, 3)

    (found,) = reader.read(pixels, nothing).pages

    assert found.text.split("\n") == LEFT + RIGHT


def test_text_that_is_only_in_the_transparency_of_a_white_picture_is_read(reader: Reader) -> None:
    drawn = two_columns().convert("L")
    image = Image.new("LA", drawn.size, 255)
    image.putalpha(ImageOps.invert(drawn))

    assert read(reader, image).text.split("\n") == LEFT + RIGHT
