"""In which order and paragraphs lines are read: pure functions over boxes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_modelserver.engine.arrays import Floats
from ocr_modelserver.engine.layout import lay_out
from ocr_modelserver.engine.rows import rows_of

Box = tuple[float, float, float, float]  # x, y, width, height


def boxes(*places: Box) -> Floats:
    corners = [[[x, y], [x + w, y], [x + w, y + h], [x, y + h]] for x, y, w, h in places]
    return np.array(corners, np.float32).reshape(-1, 4, 2)


def column(x: float, width: float, rows: int, top: float = 0, step: float = 30) -> list[Box]:
    return [(x, top + step * row, width, 20) for row in range(rows)]


def order(*places: Box) -> list[int]:
    return list(lay_out(boxes(*places)).order)


def paragraphs(*places: Box) -> list[int]:
    layout = lay_out(boxes(*places))
    assert list(layout.order) == list(range(len(places)))
    return list(layout.paragraphs)


def test_columns_are_read_one_after_the_other() -> None:
    found = boxes(*column(0, 200, 6), *column(240, 200, 6), *column(480, 200, 6))
    shuffled = np.random.default_rng(2).permutation(18)

    assert [int(shuffled[index]) for index in lay_out(found[shuffled]).order] == list(range(18))


def test_a_heading_over_the_columns_divides_them_into_bands() -> None:
    top = column(0, 200, 4, 40) + column(240, 200, 4, 40)
    bottom = column(0, 200, 4, 240) + column(240, 200, 4, 240)

    assert order((0, 0, 440, 20), *top, (0, 200, 440, 20), *bottom) == list(range(18))


def test_a_heading_over_two_of_three_columns_belongs_to_those_two() -> None:
    first, second, third = column(0, 200, 8), column(240, 200, 6, 60), column(480, 200, 6, 60)

    assert order(*first, (240, 0, 440, 20), *second, *third) == list(range(21))


def test_columns_flow_around_a_caption_between_them_that_is_read_last() -> None:
    left, caption = (
        column(0, 200, 3) + column(0, 140, 4, 90) + column(0, 200, 3, 210),
        column(170, 100, 3, 105),
    )
    right = column(240, 200, 3) + column(300, 140, 4, 90) + column(240, 200, 3, 210)

    assert order(*left, *right, *caption) == list(range(23))


def test_a_side_bar_of_facts_is_read_after_the_prose_beside_it() -> None:
    facts = column(500, 60, 5, 7, 37)

    assert order(*column(0, 460, 12), *facts) == list(range(17))


def test_columns_over_a_wide_paragraph_are_columns_still() -> None:
    columns = column(0, 200, 5) + column(240, 200, 5)

    assert order(*columns, *column(0, 440, 12, 200)) == list(range(22))


def test_head_and_foot_of_a_page_are_read_before_and_after_its_columns() -> None:
    columns = column(0, 200, 6, 80) + column(240, 200, 6, 80)

    assert order((0, 0, 60, 20), (400, 0, 40, 20), *columns, (0, 300, 90, 20)) == list(range(15))


def test_line_numbers_beside_prose_are_read_with_their_lines() -> None:
    numbered = [each for row in range(8) for each in ((0, 30.0 * row, 20, 20), (40, 30.0 * row, 300, 20))]
    across = [(x + 380, y, width, height) for x, y, width, height in numbered]

    assert order(*numbered, *across) == list(range(32))


def test_the_cells_of_a_table_are_read_by_row() -> None:
    rows = [each for row in range(6) for each in ((0, 30.0 * row, 120, 20), (400, 30.0 * row, 50, 20))]

    assert order(*rows) == list(range(12))


def test_the_rows_of_a_bent_receipt_are_read_as_rows() -> None:
    rows = [
        each
        for row, width in enumerate((120, 90, 150, 60, 140, 100))
        for each in ((0, 30.0 * row, width, 20), (300, 30.0 * row + 6, 40, 20))
    ]

    assert order(*rows) == list(range(12))


def test_a_table_beside_prose_is_read_by_row_before_it() -> None:
    cells = [(x, 27.0 * row, width, 20) for row in range(9) for x, width in ((0, 120), (150, 40), (210, 40))]

    assert order(*cells, *column(300, 300, 8, 4, 31)) == list(range(35))


def test_a_row_that_falls_goes_on_where_the_next_one_has_begun_higher_up() -> None:
    places = [(80.0 * place, 24.0 * row + 6 * place) for row in range(2) for place in range(6)]
    rectangles = np.array([(x, y, x + 60, y + 20) for x, y in places], np.float32)

    assert rows_of(rectangles, np.arange(12)) == [list(range(6)), list(range(6, 12))]


def test_the_boxes_of_a_row_that_rises_stay_in_their_row() -> None:
    rows = [(100.0 * place, 30.0 * row - 1.5 * place, 60, 20) for row in range(4) for place in range(5)]

    assert order(*rows) == list(range(20))


def test_a_label_of_a_form_is_read_right_before_its_entry() -> None:
    fields: list[Box] = []
    for row in range(4):
        for x in (0, 300):
            fields += [(x, 80.0 * row, 90, 14), (x + 8, 80.0 * row + 22, 150, 22)]

    assert order(*fields) == list(range(16))


def test_labels_are_told_by_the_print_of_all_of_them_for_one_may_be_drawn_as_high_as_its_entry() -> None:
    fields: list[Box] = []
    for row, label in enumerate((14, 22, 13, 15)):
        for x in (0, 300):
            fields += [(x, 80.0 * row, 90, label), (x + 8, 80.0 * row + 25, 150, 22)]

    assert order(*fields) == list(range(16))


def test_a_heading_row_in_small_print_over_a_table_is_no_row_of_labels() -> None:
    heading: list[Box] = [(x, 0, 80, 14) for x in (0, 150, 300)]
    rows: list[Box] = [(x, 24 + 30.0 * row, 80, 20) for row in range(5) for x in (0, 150, 300)]

    assert order(*heading, *rows) == list(range(18))


@pytest.mark.parametrize("degrees", [-6, -2, 3, 8])
def test_a_tilted_page_keeps_its_columns_and_its_skew_is_told(degrees: float) -> None:
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turn = np.array([[cos, sin], [-sin, cos]], np.float32)

    layout = lay_out(boxes(*column(0, 200, 8), *column(220, 200, 8)) @ turn)

    assert list(layout.order) == list(range(16))
    assert layout.skew == pytest.approx(degrees, abs=0.01)


def test_no_lines_have_no_layout() -> None:
    layout = lay_out(boxes())

    assert (layout.order, layout.paragraphs, layout.skew) == ((), (), 0.0)


@given(st.lists(st.tuples(*[st.integers(0, 900)] * 2, *[st.integers(1, 300)] * 2), max_size=40))
def test_every_line_is_read_once_and_the_lines_of_a_paragraph_follow_one_another(places: list[Box]) -> None:
    layout = lay_out(boxes(*places))

    assert sorted(layout.order) == list(range(len(places)))
    assert len(layout.paragraphs) == len(places)
    assert list(layout.paragraphs) == sorted(layout.paragraphs)
    assert set(layout.paragraphs) == set(range(len(set(layout.paragraphs))))


def test_a_wider_space_than_usual_begins_a_paragraph() -> None:
    assert paragraphs(*column(0, 300, 3), *column(0, 300, 3, 100)) == [0, 0, 0, 1, 1, 1]


def test_an_indented_line_begins_a_paragraph() -> None:
    first, last = column(0, 300, 3), (0, 90, 120, 20)

    assert paragraphs(*first, last, (30, 120, 270, 20), *column(0, 300, 2, 150)) == [0, 0, 0, 0, 1, 1, 1]


def test_a_line_that_hangs_out_begins_an_item_of_a_list() -> None:
    items = [each for top in (0, 90) for each in ((0, top, 300, 20), *column(30, 270, 2, top + 30))]

    assert paragraphs(*items) == [0, 0, 0, 1, 1, 1]


def test_centred_lines_are_one_paragraph() -> None:
    assert paragraphs((0, 0, 300, 20), (50, 30, 200, 20), (20, 60, 260, 20)) == [0, 0, 0]


def test_a_heading_in_larger_print_is_a_paragraph_of_its_own() -> None:
    assert paragraphs((0, 0, 300, 36), *column(0, 300, 3, 42)) == [0, 1, 1, 1]


def test_the_pieces_of_a_line_with_wide_spaces_stay_together() -> None:
    pieces: list[Box] = [(0, 30, 100, 20), (125, 30, 80, 20), (230, 30, 70, 20)]

    assert paragraphs((0, 0, 300, 20), *pieces, (0, 60, 300, 20)) == [0, 0, 0, 0, 0]


def test_each_column_begins_a_paragraph() -> None:
    assert paragraphs(*column(0, 200, 4), *column(240, 200, 4)) == [0] * 4 + [1] * 4
