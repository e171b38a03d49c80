"""The words of a line and their places: pure functions over letters, ink and boxes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_modelserver.engine.arrays import Floats
from ocr_modelserver.engine.ink import Ink
from ocr_modelserver.engine.reading import Letter, Reading
from ocr_modelserver.engine.words import place

BOX = np.array([[100, 50], [340, 50], [340, 74], [100, 74]], np.float32)


def reading(text: str, ink: Ink, *, sure: float = 1.0, step: float = 20) -> Reading:
    return Reading(tuple(Letter(each, step * (at + 0.5), sure) for at, each in enumerate(text)), ink)


def ink(*spans: tuple[int, int], width: int = 480) -> Ink:
    columns = np.zeros(width, np.bool_)
    for start, end in spans:
        columns[start:end] = True
    return Ink(columns, 24)


def sides(box: Floats) -> tuple[float, float]:
    return float(box[:, 0].min()), float(box[:, 0].max())


def test_words_end_and_start_where_the_ink_does() -> None:
    line = place(reading("ab cdef", ink((10, 38), (64, 140))), BOX)

    assert [(word.text, sides(word.box)) for word in line.words] == [("ab", (105, 119)), ("cdef", (132, 170))]


def test_words_without_a_gap_in_the_ink_meet_half_way_between_their_letters() -> None:
    first, second = place(reading("ab cd", ink((0, 480))), BOX).words

    assert sides(first.box)[1] == sides(second.box)[0] == 125


def test_words_are_as_high_as_the_line_and_start_where_its_reading_starts() -> None:
    upside_down = np.roll(BOX, -2, axis=0)

    first, second = place(reading("ab cd", ink((0, 38), (64, 480))), upside_down).words

    assert first.box[0].tolist() == upside_down[0].tolist() == [340, 74]
    assert second.box[0, 0] == 340 - 32
    assert {float(y) for y in first.box[:, 1]} == {50, 74}


def test_a_word_of_a_tilted_line_lies_along_it() -> None:
    tilted = np.array([[0, 0], [100, 20], [96, 40], [-4, 20]], np.float32)

    _, second = place(reading("ab cd", ink((0, 40), (50, 100), width=100)), tilted).words

    assert second.box == pytest.approx(np.array([[50, 10], [100, 20], [96, 40], [46, 30]]))


def test_a_run_of_signs_without_spaces_is_one_word() -> None:
    assert [word.text for word in place(reading("発票金額 42", ink((0, 480))), BOX).words] == [
        "発票金額",
        "42",
    ]


def test_a_word_is_as_sure_as_its_letters() -> None:
    letters = (Letter("a", 10, 1.0), Letter(" ", 30, 0.2), Letter("b", 50, 0.6), Letter("c", 70, 0.8))

    line = place(Reading(letters, ink((0, 480))), BOX)

    assert [word.confidence for word in line.words] == pytest.approx([1.0, 0.7])
    assert line.confidence == pytest.approx(0.8)


@given(st.text("ab \u3000発", max_size=20), st.lists(st.booleans(), min_size=1, max_size=400))
def test_words_joined_by_spaces_are_the_line_and_stand_in_it_one_after_the_other(
    text: str, columns: list[bool]
) -> None:
    line = place(reading(text, Ink(np.array(columns), 24)), BOX)

    assert " ".join(word.text for word in line.words) == line.text == " ".join(text.split())
    ends = [edge for word in line.words for edge in sides(word.box)]
    assert ends == sorted(ends)
