"""What is kept of a document while it is read and while its answer is written, and what memory that takes."""

import tracemalloc
from collections import deque
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_gateway.formats.negotiate import FORMATS
from ocr_gateway.jobs import record
from ocr_gateway.problems import Problem
from ocr_gateway.result import PageResult, Recognised, Results
from ocr_wire.result import Page
from tests.unit.format_cases import MODEL, VIEW, line, word

PLACES = st.floats(-1e4, 1e4)
WORDS = st.builds(word, st.text(), PLACES, PLACES, PLACES)
LINES = st.builds(line, st.text(), PLACES, st.integers(0, 9), words=st.lists(WORDS, max_size=3).map(tuple))
PAGES = st.builds(
    PageResult,
    number=st.integers(1, 9999),
    outcome=st.builds(
        Page,
        width=st.integers(1, 9999),
        height=st.integers(1, 9999),
        skew=PLACES,
        lines=st.lists(LINES, max_size=3).map(tuple),
    ),
    model=st.sampled_from([MODEL, None]),
    source=st.sampled_from(["ocr", "text"]),
    dpi=st.none() | st.integers(1, 600),
)


@given(st.lists(PAGES, min_size=1, max_size=5))
def test_a_page_comes_back_as_it_was_from_memory_and_from_a_job(pages: list[PageResult]) -> None:
    kept = Recognised(Results(pages), {"det": 0.1})
    assert list(kept.results) == pages
    again = record.unpack(record.pack(kept))
    assert list(again.results) == pages
    assert (again.model, again.status, again.timings_ms) == (kept.model, "succeeded", {"det": 0.1})


def test_a_job_keeps_which_pages_failed_and_of_what() -> None:
    problem = Problem("page_render_failed", "The page is too odd.", page=2, retry_after=3)
    results = Results([full_page(1), PageResult(2, problem), full_page(3)])
    kept = record.unpack(record.pack(Recognised.of(results, {})))
    assert kept.status == "partial"
    assert len(kept.results) == 3
    assert {number: vars(each) for number, each in kept.results.problems.items()} == {2: vars(problem)}


def test_a_document_of_which_nothing_could_be_read_is_its_first_pages_problem() -> None:
    problems = [Problem("page_render_failed", "", page=page) for page in (1, 2)]
    with pytest.raises(Problem) as raised:
        Recognised.of(Results(PageResult(each.page or 0, each) for each in problems), {})
    assert raised.value is problems[0]


def test_kept_pages_take_less_than_a_fifth_of_what_they_take_as_objects() -> None:
    packed = traced(lambda: Results(map(full_page, range(40))))
    as_objects = traced(lambda: list(map(full_page, range(40))))
    assert packed < as_objects / 5


@pytest.mark.parametrize("name", FORMATS)
def test_an_answer_of_many_pages_is_written_with_the_memory_for_one_of_few(name: str) -> None:
    def write(pages: int) -> int:
        result = Recognised(Results(map(full_page, range(pages))), {})
        return traced(lambda: deque(FORMATS[name].render(result, VIEW), maxlen=0))

    assert write(24) < 2 * write(3)


def full_page(number: int) -> PageResult:
    """Twenty lines of ten words, all with places and letters of their own."""
    lines = []
    for row in range(20):
        places = ((f"{number:03}w{row * column}", 40.5 * column + number) for column in range(10))
        words = [word(said, left, 30.5 * row, 40) for said, left in places]
        text = " ".join(each.text for each in words)
        lines.append(line(text, 30.5 * row, row // 10, words=tuple(words)))
    return PageResult(number, Page(width=600, height=800, lines=tuple(lines)), MODEL)


def traced(work: Callable[[], object]) -> int:
    """The most bytes that Python held for the work."""
    tracemalloc.start()
    try:
        _ = work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
