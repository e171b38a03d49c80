"""Scores of the benchmark: words, characters, boxes."""

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bench import score as scores
from tests.bench.geometry import area, clipped
from tests.bench.sheet import Line, Polygon


def box(x0: float, y0: float, x1: float, y1: float) -> Polygon:
    return (x0, y0), (x1, y0), (x1, y1), (x0, y1)


def test_a_page_read_as_it_is_has_a_perfect_score() -> None:
    lines = (Line("Zażółć gęślą jaźń", box(0, 0, 90, 20)), Line("請求書 42", box(0, 30, 90, 50)))
    assert scores.score(lines, lines) == scores.Score(word_f1=1, cer=0, cer_no_spaces=0, found=1)


def test_nothing_read_scores_nothing() -> None:
    empty = scores.score((Line("text", box(0, 0, 9, 9)),), ())
    assert empty == scores.Score(word_f1=0, cer=1, cer_no_spaces=1, found=0)


def test_word_f1_does_not_mind_the_order_but_counts_repeats() -> None:
    assert scores.word_f1("one two three", "three one two") == 1
    assert scores.word_f1("one one", "one") == pytest.approx(2 / 3)


def test_case_matters_and_compatibility_forms_do_not() -> None:
    assert scores.word_f1("Total", "total") == 0
    assert scores.word_f1(scores.normalised("\uff11\uff12 ﬁx"), scores.normalised("12 fix")) == 1


def test_each_sign_of_chinese_and_japanese_is_a_word() -> None:
    assert scores.word_f1("发票金额", "发票全额") == pytest.approx(3 / 4)


def test_spaces_count_in_one_error_rate_only() -> None:
    there, read = (Line("13 B", box(0, 0, 9, 9)),), (Line("13B", box(0, 0, 9, 9)),)
    result = scores.score(there, read)
    assert (result.cer, result.cer_no_spaces) == (0.25, 0)


@cache
def plain_edits(a: str, b: str) -> int:
    """The definition, as slow as it is clear."""
    if not a or not b:
        return len(a) + len(b)
    return min(
        plain_edits(a[1:], b) + 1, plain_edits(a, b[1:]) + 1, plain_edits(a[1:], b[1:]) + (a[0] != b[0])
    )


@given(st.text("abc", max_size=9), st.text("abc", max_size=9))
def test_edits_are_the_levenshtein_distance(a: str, b: str) -> None:
    assert scores.edits(a, b) == plain_edits(a, b)


def test_a_line_found_word_by_word_is_found() -> None:
    words = [box(0, 0, 40, 20), box(50, 0, 100, 20)]
    assert scores.found([box(0, 0, 100, 20)], words) == 1


def test_one_box_over_the_whole_page_finds_no_line() -> None:
    lines = [box(0, y, 100, y + 20) for y in range(0, 200, 40)]
    assert scores.found(lines, [box(0, 0, 100, 200)]) == 0


def test_a_box_that_is_a_third_larger_than_the_ink_finds_its_line() -> None:
    assert scores.found([box(10, 10, 110, 30)], [box(4, 6, 116, 34)]) == 1


def test_boxes_in_another_frame_find_nothing() -> None:
    lines = [box(10, 300, 200, 320)]
    assert scores.found(lines, [box(300, 10, 320, 200)]) == 0


def test_polygons_are_clipped_whichever_way_their_corners_run() -> None:
    square, diamond = box(0, 0, 10, 10), ((5.0, -5.0), (15.0, 5.0), (5.0, 15.0), (-5.0, 5.0))
    for window in (diamond, diamond[::-1]):
        assert area(clipped(square, window)) == pytest.approx(100)
    assert area(clipped(square, box(5, 5, 20, 20))) == pytest.approx(25)
    assert area(clipped(square, box(20, 20, 30, 30))) == 0
