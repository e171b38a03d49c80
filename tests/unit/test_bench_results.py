"""Figures and report of the benchmark, out of readings."""

import math
from xml.etree import ElementTree

from tests.bench import report
from tests.bench.child import Reading
from tests.bench.machine import Run
from tests.bench.pages import Page
from tests.bench.plot import speed_against_f1
from tests.bench.results import Figures, Measured, Result, figures, in_front, percentile
from tests.bench.score import Score
from tests.bench.sheet import Line

LINE = Line("two words", ((0, 0), (90, 0), (90, 20), (0, 20)))
RUN = Run("2026-01-01", "python -m tests.bench", "abc", "CPU", 2, 8, {"Python": "3.11"}, 1, 2, ())


def page(name: str, kind: str = "prose") -> Page:
    return Page(name, kind, "en", frozenset({kind, "upright"}), b"", (LINE,))


def row(speed: float, f1: float, mib: float = 100) -> Figures:
    score = Score(word_f1=f1, cer=1 - f1, cer_no_spaces=1 - f1, found=f1)
    return Figures(speed, 1 / speed, 1 / speed, 2, mib, {"all": score, "prose": score})


FAST_PEER = Result("a <fast> peer", ours=False, figures=row(2.0, 0.90))
SLOW_PEER = Result("a slow peer", ours=False, figures=row(0.5, 0.95))


def test_a_page_that_failed_scores_as_empty_and_does_not_count_as_done() -> None:
    readings = {"good": Reading((LINE,), cpu_seconds=3.0), "bad": Reading(error="it died")}
    got = figures(Measured(readings, 4.0, 3.0, [1.0], 1 << 20), [page("good"), page("bad", "table")])
    assert (got.pages_per_second, got.cpu_seconds, got.peak_mib) == (0.25, 3.0, 1.0)
    assert {group: score.word_f1 for group, score in got.scores.items()} == {
        "all": 0.5,
        "prose": 1.0,
        "upright": 0.5,
        "table": 0.0,
    }
    assert got.errors == {"bad": "it died"}


def test_an_engine_that_read_nothing_at_all_has_figures() -> None:
    got = figures(Measured({"a": Reading(error="no")}, 4.0, 0.0, [], 0), [page("a")])
    assert got.pages_per_second == 0
    assert math.isnan(got.p50)


def test_percentiles_are_values_that_were_measured() -> None:
    values = [float(value) for value in range(1, 101)]
    assert [percentile(values, percent) for percent in (50, 99, 100)] == [50, 99, 100]
    assert percentile([7.0], 99) == 7


def test_a_peer_is_in_front_only_when_it_is_faster_and_reads_more() -> None:
    behind = Result("ours", ours=True, figures=row(1.0, 0.85))
    beside = Result("ours", ours=True, figures=row(1.0, 0.92))
    assert in_front([FAST_PEER, SLOW_PEER, behind]) == [(behind, FAST_PEER)]
    assert in_front([FAST_PEER, SLOW_PEER, beside]) == []


def test_the_report_says_what_is_not_won_and_what_was_not_measured() -> None:
    mine = Result("KubeOCR", ours=True, figures=row(1.0, 0.85))
    gone = Result("a peer that is gone", ours=False, figures=None, reason="no such package")
    text = report.markdown(RUN, [FAST_PEER, gone, mine])
    assert "- a <fast> peer is faster than KubeOCR and reads more words." in text
    assert "- Best word-F1: a <fast> peer." in text
    assert "- a peer that is gone: not measured: no such package" in text
    assert "| **KubeOCR** | 0.5x | 1.00 |" in text


def test_the_report_says_how_much_of_the_bare_networks_speed_is_left() -> None:
    mine = Result("KubeOCR", ours=True, figures=row(1.5, 0.99), bare=2.0)
    assert "| KubeOCR | 2.00 | 1.50 | 75% |" in report.markdown(RUN, [FAST_PEER, mine])
    assert "bare" not in report.markdown(RUN, [FAST_PEER])


def test_the_report_claims_no_defeat_where_there_is_none() -> None:
    mine = Result("KubeOCR", ours=True, figures=row(3.0, 0.99, 50))
    assert "Nothing in these figures" in report.markdown(RUN, [FAST_PEER, SLOW_PEER, mine])


def test_a_report_without_any_figures_says_why() -> None:
    gone = Result("gone", ours=False, figures=None, reason="it does not start")
    assert "gone: not measured: it does not start" in report.markdown(RUN, [gone])
    ElementTree.fromstring(speed_against_f1([gone]))  # noqa: S314 - our own text


def test_the_plot_is_an_svg_with_the_faster_engine_to_the_right_and_the_better_one_above() -> None:
    svg = ElementTree.fromstring(speed_against_f1([FAST_PEER, SLOW_PEER]))  # noqa: S314 - our own text
    circles = list(svg.iter("{http://www.w3.org/2000/svg}circle"))
    better, faster = ((float(each.get("cx", "")), float(each.get("cy", ""))) for each in circles)
    assert better[0] < faster[0]
    assert better[1] < faster[1]
