"""The option `pages`."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_gateway.documents.page_ranges import parse, select
from ocr_gateway.problems import Problem


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (None, [1, 2, 3, 4, 5, 6, 7]),
        ("1-3,7", [1, 2, 3, 7]),
        ("6-", [6, 7]),
        ("-2", [1, 2]),
        (" 2 , 4-5 ", [2, 4, 5]),
        ("1,2-2,3-", [1, 2, 3, 4, 5, 6, 7]),
    ],
)
def test_pages_are_numbers_and_ranges_with_open_ends(text: str | None, wanted: list[int]) -> None:
    assert list(select(text, 7, 7)) == wanted


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no page and no range"),
        ("-", "no page and no range"),
        ("1,,2", "no page and no range"),
        ("one", "no page and no range"),
        ("1-2-3", "no page and no range"),
        ("1234567890", "no page and no range"),
        ("٣", "no page and no range"),
        ("0", "count from 1"),
        ("0-2", "count from 1"),
        ("3-2", "go forward"),
        ("2,1", "backwards"),
        ("1-3,3", "twice"),
        ("2-,5", "backwards"),
        ("8", "has 7 pages"),
        ("5-9", "Page 9 is asked for"),
        ("8-", "Page 8 is asked for"),
    ],
)
def test_what_is_no_list_of_the_documents_pages_is_refused(text: str, words: str) -> None:
    with pytest.raises(Problem) as refused:
        select(text, 7, 7)
    assert refused.value.code == "invalid_pages"
    assert words in refused.value.detail


def test_more_pages_than_are_read_are_refused_however_many_they_claim_to_be() -> None:
    for text, count in ((None, 2**31 - 1), ("2-999999999", 2**31 - 1), ("1-8", 8)):
        with pytest.raises(Problem) as refused:
            select(text, count, 7)
        assert (refused.value.code, refused.value.limit) == ("too_many_pages", 7)
        assert "pages=1-7" in refused.value.detail


@given(st.sets(st.integers(1, 60), min_size=1), st.data())
def test_any_selection_written_as_ranges_reads_as_that_selection(
    wanted: set[int], data: st.DataObject
) -> None:
    items: list[str] = []
    left = sorted(wanted)
    while left:
        run = [first for place, first in enumerate(left) if first == left[0] + place]
        size = data.draw(st.integers(1, len(run)))
        items.append(str(left[0]) if size == 1 else f"{left[0]}-{run[size - 1]}")
        left = left[size:]
    assert select(",".join(items), 60, 60) == sorted(wanted)


@given(st.text("0123456789-, ", max_size=12))
def test_any_text_is_a_list_in_order_or_refused(text: str) -> None:
    edges: list[int] = []
    with contextlib.suppress(Problem):
        edges = [edge for span in parse(text) for edge in span if edge is not None]
    assert edges == sorted(edges)
