"""The stages of reading a page, as functions over arrays; networks are stood in for by functions."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from ocr_modelserver.engine.arrays import Floats, Indices, Pixels
from ocr_modelserver.engine.detect import LONG_SIDE, boxes_of_map, detect, map_size
from ocr_modelserver.engine.doubt import Doubt, parts_of
from ocr_modelserver.engine.geometry import crop, turn_points, turn_reading
from ocr_modelserver.engine.ink import Ink, ink_of
from ocr_modelserver.engine.reading import Letter, Reading, decode, trimmed
from ocr_modelserver.engine.recognise import MAX_WIDTH, LineReader, read_line, recognise
from ocr_modelserver.engine.sessions import Detector, Recogniser, Second
from ocr_modelserver.engine.spaces import with_spaces
from ocr_modelserver.engine.turn import Sheet, look, runs_downwards
from ocr_modelserver.spread import Map


def box(x: float, y: float, width: float, height: float = 20) -> list[list[float]]:
    return [[x, y], [x + width, y], [x + width, y + height], [x, y + height]]


def boxes(*rectangles: list[list[float]]) -> Floats:
    return np.array(rectangles, np.float32).reshape(-1, 4, 2)


def letters(text: str, *, sure: float = 1.0, step: float = 20) -> tuple[Letter, ...]:
    """Letters that stand evenly."""
    return tuple(Letter(each, step * (place + 0.5), sure) for place, each in enumerate(text))


def nothing() -> None:
    """A checkpoint that lets everything pass."""


@pytest.mark.parametrize(
    "size",
    [(20_000, 20), (20, 20_000), (3000, 25), (4, 4), (4, 1), (7000, 7000), (1240, 1754), (60_000, 800)],
)
def test_maps_are_multiples_of_32_and_bounded(size: tuple[int, int]) -> None:
    width, height = map_size(*size, LONG_SIDE)

    assert width % 32 == height % 32 == 0
    assert 32 <= min(width, height) <= LONG_SIDE
    assert width * height <= 9_000_000


def test_an_ordinary_page_is_one_tile() -> None:
    assert map_size(1240, 1754, LONG_SIDE) == (896, 1280)
    assert max(map_size(7000, 7000, LONG_SIDE)) < LONG_SIDE


def test_a_blank_page_asks_no_network() -> None:
    def network(_: Floats) -> Floats:
        raise AssertionError

    assert detect(Detector(network, LONG_SIDE), np.full((500, 400, 3), 240, np.uint8), nothing).shape == (
        0,
        4,
        2,
    )


def test_detection_puts_a_kernel_where_it_is_on_the_page() -> None:
    def network(batch: Floats) -> Floats:
        return (batch[:, :1] < 0).astype(np.float32)

    page = np.full((1500, 1000, 3), 255, np.uint8)
    page[300:340, 200:800] = 0

    (found,) = detect(Detector(network, LONG_SIDE), page, nothing)

    x0, y0, x1, y1 = *found.min(axis=0), *found.max(axis=0)
    assert 150 < x0 < 200
    assert 800 < x1 < 850
    assert 255 < y0 < 300
    assert 340 < y1 < 385


def test_text_on_the_seam_of_two_tiles_is_one_box() -> None:
    seen: list[tuple[int, ...]] = []

    def network(batch: Floats) -> Floats:
        seen.append(batch.shape)
        return (batch[:, :1] < 0).astype(np.float32)

    strip = np.full((100, 4000, 3), 255, np.uint8)
    strip[40:60, 200:3800] = 0

    found = detect(Detector(network, LONG_SIDE), strip, nothing)

    assert len(seen) > 1
    assert len(found) == 1
    assert found[0].min(axis=0)[0] < 210
    assert found[0].max(axis=0)[0] > 3790


@pytest.mark.parametrize(("height", "sides"), [(30, [960]), (5, [960, 1280])])
def test_only_small_print_is_looked_at_again_from_nearer(height: int, sides: list[int]) -> None:
    seen: list[int] = []

    def network(batch: Floats) -> Floats:
        seen.append(max(batch.shape))
        return (batch[:, :1] < 0).astype(np.float32)

    page = np.full((1280, 900, 3), 255, np.uint8)
    for top in range(100, 1100, 100):
        page[top : top + height, 100:800] = 0

    assert len(detect(Detector(network, 960), page, nothing)) == 10
    assert seen == sides


def test_weak_and_tiny_spots_are_no_boxes() -> None:
    probability = np.zeros((100, 200), np.float32)
    probability[20:40, 20:150] = 0.4
    probability[60:61, 20:22] = 1.0

    assert len(boxes_of_map(probability)) == 0


def test_corners_run_clockwise_from_the_top_left() -> None:
    probability = np.zeros((100, 200), np.float32)
    probability[20:40, 20:150] = 1

    (found,) = boxes_of_map(probability)

    assert found[0][0] < found[1][0]
    assert found[0][1] < found[3][1]
    assert found[2].tolist() == found.max(axis=0).tolist()


@pytest.mark.parametrize("quarters", range(4))
def test_a_crop_is_upright_whichever_way_the_page_lies(quarters: int) -> None:
    page = np.zeros((60, 100, 3), np.uint8)
    page[10:20, 30:70] = 200
    page[10:20, 30:40] = 100
    straight = boxes(box(30, 10, 40, 10))
    turned_page = np.ascontiguousarray(np.rot90(page, -quarters))
    lying = np.array([[turn_points(corner, -quarters % 4, 100, 60) for corner in straight[0]]], np.float32)

    found = crop(turned_page, lying[0])

    assert found.shape == (10, 40, 3)
    assert found[5, 3, 0] == pytest.approx(100, abs=12)
    assert found[5, 36, 0] == pytest.approx(200, abs=12)


def test_turning_the_reading_moves_the_first_corner_clockwise() -> None:
    turned = turn_reading(boxes(box(0, 0, 10, 50)), 1)

    assert turned[0].tolist() == [[10, 0], [10, 50], [0, 50], [0, 0]]


@pytest.mark.parametrize("where", [(-5, -5, 300, 300), (99, 59, 1, 1), (100, 60, 0, 0)])
def test_a_crop_at_the_edge_is_never_empty(where: tuple[float, ...]) -> None:
    corners = np.clip(np.array(box(*where), np.float32), 0, (100, 60))

    assert crop(np.zeros((60, 100, 3), np.uint8), corners).size > 0


@pytest.mark.parametrize(
    ("upright", "upside", "turned"),
    [(0.95, 1.0, False), (0.6, 0.95, True), (0.6, 0.5, False), (0.0, 0.0, False)],
)
def test_a_page_is_upside_down_when_its_lines_read_better_so(
    upright: float, upside: float, turned: bool
) -> None:
    def read(box: Floats) -> Reading:
        confidence = upright if box[0, 0] < box[1, 0] else upside
        return Reading(letters("text", sure=confidence))

    assert look(read, boxes(*(box(10, 30 * row, 300) for row in range(10)))).upside_down is turned


@pytest.mark.parametrize(("upside", "sure"), [(0.97, True), (0.9, False)])
def test_a_page_that_reads_only_fairly_upside_down_may_lie_on_its_side(upside: float, sure: bool) -> None:
    def read(box: Floats) -> Reading:
        return Reading(letters("text", sure=0.5 if box[0, 0] < box[1, 0] else upside))

    seen = look(read, boxes(*(box(10, 30 * row, 300) for row in range(10))))

    assert (seen.upside_down, seen.sure) == (True, sure)


def test_a_page_that_reads_well_is_not_read_upside_down_too() -> None:
    asked = []

    def read(box: Floats) -> Reading:
        asked.append(box)
        return Reading(letters("text"))

    assert look(read, boxes(*(box(10, 30 * row, 300) for row in range(10)))).sure
    assert 0 < len(asked) < 10
    assert all(box[0, 0] < box[1, 0] for box in asked)


def test_a_page_on_its_side_is_told_by_its_tall_boxes() -> None:
    tall = [box(30 * n, 10, 20, 300) for n in range(5)]

    assert runs_downwards(boxes(*tall, box(0, 0, 100)))
    assert not runs_downwards(boxes(*(box(10, 30 * n, 300) for n in range(5)), box(0, 0, 5, 20)))
    assert not runs_downwards(boxes())


def test_a_table_on_its_side_is_told_by_its_many_short_cells() -> None:
    cells = [box(60 * row, 80 * column, 20, 60) for row in range(4) for column in range(4)]

    assert runs_downwards(boxes(*cells))
    assert not runs_downwards(boxes(*cells[:3]))  # three lone letters


@pytest.mark.parametrize("turns", [(), (1,), (2,), (1, 2)])
def test_a_sheet_knows_where_its_points_were_before_it_was_turned(turns: tuple[int, ...]) -> None:
    pixels = np.zeros((60, 100, 3), np.uint8)
    pixels[20:30, 10:80] = 200
    sheet = Sheet(pixels, boxes(box(10, 20, 70, 10)))

    for quarters in turns:
        sheet = sheet.turned(quarters)

    (x0, y0), (x1, y1) = sheet.boxes[0].min(axis=0).astype(int), sheet.boxes[0].max(axis=0).astype(int)
    assert (sheet.pixels[y0:y1, x0:x1] == 200).all()
    assert sheet.boxes[0, 0].tolist() == [x0, y0]
    assert sheet.quarters == sum(turns)
    assert np.roll(sheet.as_it_came(sheet.boxes), sum(turns), axis=1).tolist() == [box(10, 20, 70, 10)]


CHARACTERS = ("", "a", "b", " ")


@pytest.mark.parametrize(
    ("steps", "text"),
    [((1, 1, 0, 1, 2), "aab"), ((0, 0), ""), ((1, 3, 3, 2), "a b"), ((2,), "b")],
)
def test_ctc_folds_repeats_and_drops_blanks(steps: tuple[int, ...], text: str) -> None:
    found = decode(np.array(steps), np.ones(len(steps), np.float32), CHARACTERS)

    assert Reading(tuple(found)).text == text


def test_letters_know_their_place_and_certainty() -> None:
    found = decode(np.array([1, 0, 2]), np.array([1.0, 0.1, 0.5], np.float32), CHARACTERS)

    assert found == [Letter("a", 4, 1.0), Letter("b", 20, 0.5)]


def test_a_reading_is_as_sure_as_its_letters_on_average_and_spaces_do_not_count() -> None:
    assert Reading((Letter("a", 0, 1.0), Letter(" ", 1, 0.1), Letter("b", 2, 0.5))).confidence == 0.75
    assert Reading().confidence == 0.0


def test_spaces_at_the_ends_and_double_ones_are_dropped() -> None:
    assert Reading(trimmed(letters("  a  b "))).text == "a b"


def drawn(gaps: list[int], *, ruled: bool = False) -> Pixels:
    """A line of strokes 10 wide and 24 high with these gaps between them."""
    line = np.full((48, 10 + 10 * (len(gaps) + 1) + sum(gaps) + 10, 3), 255, np.uint8)
    x = 10
    for gap in (*gaps, 0):
        line[12:36, x : x + 10] = 0
        x += 10 + gap
    if ruled:
        line[0:2] = 0
        line[:, -3:] = 0
    return line


def strokes(text: str, gaps: list[int]) -> list[Letter]:
    places = [15.0]
    for gap in gaps:
        places.append(places[-1] + 10 + gap)
    return [Letter(each, x, 1.0) for each, x in zip(text, places, strict=True)]


@pytest.mark.parametrize("ruled", [False, True])
@pytest.mark.parametrize(
    ("text", "gaps", "spaced"),
    [
        ("38C", [3, 14], "38 C"),
        ("38C", [3, 6], "38C"),
        ("TOTAL", [14, 14, 14, 14], "TOTAL"),
        ("1.5", [14, 3], "1.5"),
        ("4711", [3, 3, 14], "4711"),
        ("会社C", [14, 14], "会社C"),
    ],
)
def test_the_gap_of_a_space_is_a_space_and_no_other_gap_is(
    text: str, gaps: list[int], spaced: str, *, ruled: bool
) -> None:
    found = with_spaces(strokes(text, gaps), ink_of(drawn(gaps, ruled=ruled)))

    assert "".join(letter.text for letter in found) == spaced


def test_a_line_without_ink_has_no_gaps_to_speak_of() -> None:
    assert ink_of(np.full((48, 50, 3), 255, np.uint8)).height == 0


DOUBT = Doubt(word_below=0.9, letter_below=0.7)


@pytest.mark.parametrize(
    ("sure", "doubtful"), [((1.0, 0.75), True), ((1.0, 1.0, 1.0, 1.0, 0.6), True), ((0.95, 0.9), False)]
)
def test_a_word_is_in_doubt_by_its_mean_or_by_its_worst_letter(
    sure: tuple[float, ...], *, doubtful: bool
) -> None:
    assert DOUBT.holds([Letter("a", 0, each) for each in sure]) is doubtful


def test_a_line_is_cut_around_its_words_in_doubt() -> None:
    words = letters("abc de fgh ijk lmn op")
    unsure = tuple(Letter(each.text, each.x, 0.5) if each.text in "de" else each for each in words)
    columns = np.array(
        [bool(letters) for letters in np.repeat([c != " " for c in "abc de fgh ijk lmn op"], 20)]
    )

    parts = parts_of(unsure, Ink(columns, 24), DOUBT)

    assert [(Reading(part.letters).text, part.doubtful) for part in parts] == [
        ("abc", False),
        ("de", True),
        ("fgh ijk lmn op", False),
    ]
    assert [(part.start, part.end) for part in parts] == [(0, 70), (70, 130), (130, 420)]


def test_a_line_mostly_in_doubt_is_not_cut() -> None:
    (part,) = parts_of(letters("abc de", sure=0.1), Ink(np.ones(120, np.bool_), 24), DOUBT)

    assert (part.start, part.end, part.doubtful) == (0, 120, True)


def test_a_line_without_words_has_no_parts_to_read_again() -> None:
    assert parts_of((), Ink(np.ones(120, np.bool_), 24), DOUBT) == []


def recogniser(widths: list[int], reads: int = 1, sure: float = 1.0) -> Recogniser:
    """One that reads every line as one character, and notes the widths."""

    def network(batch: Floats) -> tuple[Indices, Floats]:
        widths.append(batch.shape[3])
        return np.array([reads]), np.array([sure], np.float32)

    return Recogniser(network, CHARACTERS)


def noise(height: int, width: int) -> Pixels:
    return np.random.default_rng(1).integers(0, 255, (height, width, 3), np.uint8)


def test_a_line_is_padded_to_whole_steps_of_the_network() -> None:
    widths: list[int] = []

    read_line(recogniser(widths), noise(48, 197))

    assert widths == [200]


def test_a_blank_line_asks_no_network() -> None:
    widths: list[int] = []

    assert read_line(recogniser(widths), np.full((48, 100, 3), 200, np.uint8)).text == ""
    assert widths == []


def test_a_line_too_long_for_the_network_is_cut_where_there_is_no_ink() -> None:
    widths: list[int] = []
    line = np.full((48, 6000, 3), 255, np.uint8)
    line[10:40, :2300] = line[10:40, 2340:] = np.random.default_rng(1).integers(0, 255, (30, 1, 1))

    reading = read_line(recogniser(widths), line)

    assert max(widths) <= MAX_WIDTH
    assert 2300 <= widths[0] <= 2345
    assert reading.text == " ".join("a" * len(widths))


def test_equal_lines_of_a_page_are_read_once() -> None:
    widths: list[int] = []
    page = np.concatenate([noise(24, 100)] * 3)
    read = LineReader(recogniser(widths), page, nothing)

    texts = [reading.text for _, reading in recognise(read, None, boxes(*column(0, 100, 3, 0, 24)))]

    assert texts == ["a", "a", "a"]
    assert len(widths) == 1


def by_width(batch: Floats) -> tuple[Indices, Floats]:
    """A network that reads each line as another text: the binary digits of its width / 8."""
    digits = [1 if digit == "1" else 2 for digit in f"{batch.shape[3] // 8:b}"]
    steps = np.array([step for digit in digits for step in (digit, 0)])
    return steps, np.full(len(steps), 0.8, np.float32)


def test_lines_are_read_the_same_on_one_thread_and_on_several() -> None:
    page = noise(400, 900)
    found = boxes(*(box(0, 40 * row, 80 * (row + 1), 24) for row in range(10)))
    second = Second(Recogniser(by_width, ("", "c", "d", " ")), DOUBT)

    def texts(spread: Map) -> list[str]:
        read = LineReader(Recogniser(by_width, CHARACTERS), page, nothing)
        return [reading.text for _, reading in recognise(read, second, found, spread)]

    with ThreadPoolExecutor(4) as pool:
        assert texts(pool.map) == texts(map)
    assert len(set(texts(map))) == 10


def test_giving_up_on_a_thread_gives_up_on_the_page() -> None:
    def checkpoint() -> None:
        raise TimeoutError

    read = LineReader(recogniser([]), noise(100, 100), checkpoint)

    with ThreadPoolExecutor(2) as pool, pytest.raises(TimeoutError):
        recognise(read, None, boxes(*column(0, 100, 3)), pool.map)


@pytest.mark.parametrize(("sure", "text"), [(0.8, "b"), (0.95, "a")])
def test_only_what_is_in_doubt_is_read_again_by_the_second_network(sure: float, text: str) -> None:
    read = LineReader(recogniser([], sure=sure), noise(24, 100), nothing)
    second = Second(recogniser([], reads=2), DOUBT)

    ((_, reading),) = recognise(read, second, boxes(box(0, 0, 100, 24)))

    assert reading.text == text


def test_what_the_second_network_cannot_read_stays_as_the_first_one_read_it() -> None:
    read = LineReader(recogniser([], sure=0.8), noise(24, 100), nothing)
    second = Second(recogniser([], reads=0), DOUBT)

    ((_, reading),) = recognise(read, second, boxes(box(0, 0, 100, 24)))

    assert reading.text == "a"


def column(x: float, width: float, rows: int, top: float = 0, step: float = 30) -> list[list[list[float]]]:
    return [box(x, top + step * row, width) for row in range(rows)]
