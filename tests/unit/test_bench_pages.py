"""Pages of the benchmark: the truth that is drawn."""

import io
import random
from itertools import islice, pairwise

import numpy as np
import pytest
from PIL import Image, ImageOps

from tests.bench import effects, fonts
from tests.bench.geometry import bounds
from tests.bench.pages import SPECS, Page, Spec, render, render_all
from tests.bench.sheet import Line, Written
from tests.bench.words import WORDS, pieces

BY_NAME = {spec.name: spec for spec in SPECS}


@pytest.fixture(scope="module", autouse=True)
def _fonts() -> None:
    fonts.install()


def ink(page: Page, line: Line) -> float:
    """The span of grey levels within the line's box, in the frame as shown."""
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(page.data))).convert("L")
    x0, y0, x1, y1 = (round(side) for side in bounds(line.polygon))
    return float(np.ptp(np.asarray(image)[max(0, y0) : y1, max(0, x0) : x1]))


@pytest.mark.parametrize(
    "spec", [spec for spec in SPECS if spec.quick or spec.turn or spec.exif or spec.skew]
)
def test_there_is_ink_in_every_box_and_none_at_the_edge_of_the_page(spec: Spec) -> None:
    page = render(spec, "tune")
    assert page.lines
    assert all(ink(page, line) > 60 for line in page.lines)


def test_the_same_seed_gives_the_same_page_and_the_halves_differ() -> None:
    spec = BY_NAME["receipt-de"]
    assert render(spec, "tune") == render(spec, "tune")
    assert render(spec, "tune").lines != render(spec, "report").lines
    assert render(spec, "tune").lines != render(spec, "tune", seed=1).lines


def test_turned_text_starts_where_its_reader_would_start() -> None:
    page = Written(Image.new("RGB", (100, 60)), (Line("a", ((10, 5), (40, 5), (40, 15), (10, 15))),))
    starts = {turn: effects.turned(page, turn).lines[0].polygon[:2] for turn in (90, 180, 270)}
    assert starts == {90: ((5, 90), (5, 60)), 180: ((90, 55), (60, 55)), 270: ((55, 10), (55, 40))}


def test_a_skew_and_its_opposite_move_a_point_back() -> None:
    page = Written(Image.new("RGB", (400, 300)), (Line("a", ((10, 5), (40, 5), (40, 15), (10, 15))),))
    back = effects.skewed(effects.skewed(page, 7), -7)
    grown = ((side - old) / 2 for side, old in zip(back.image.size, page.image.size, strict=True))
    moved = [a - b for a, b in zip(back.lines[0].polygon[0], page.lines[0].polygon[0], strict=True)]
    assert moved == pytest.approx(list(grown), abs=1e-6)


def test_columns_are_read_one_after_the_other() -> None:
    lines = render(BY_NAME["columns2-en"], "tune").lines[1:]
    jumps = [a.polygon[0][1] > b.polygon[0][1] for a, b in pairwise(lines)]
    assert jumps.count(True) == 1


def test_every_language_of_the_lists_is_on_some_page() -> None:
    assert {spec.language for spec in SPECS} == set(WORDS)


def test_the_short_list_has_every_common_kind_and_is_a_part_of_the_long_one() -> None:
    quick = {page.name for page in render_all("tune", quick=True)}
    assert quick < {spec.name for spec in SPECS}
    assert {"prose", "columns", "table", "receipt", "turned"} == {BY_NAME[name].kind for name in quick}


def test_prose_in_a_language_without_spaces_comes_in_single_signs() -> None:
    stream = pieces(random.Random(1), "zh")  # noqa: S311
    assert all(len(piece) <= 2 or piece[0].isascii() for piece in islice(stream, 200))
