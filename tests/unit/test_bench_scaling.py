"""The simulation of many model servers, at its small end, and what is said of operator and Redis."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.bench.machine import describe
from tests.bench.overload import Load
from tests.bench.scaling import report
from tests.bench.scaling.autoscaler import Aim
from tests.bench.scaling.jobs import JobCost
from tests.bench.scaling.measured import SmallEnd
from tests.bench.scaling.scenario import Phase, Scenario, play, verdict
from tests.unit.fleet_kit import fleet

# A page takes a thread a third of a second in the mean: two threads read six a second.
PAGES = (0.1, 0.2, 0.3, 0.4, 0.65)


def scenario(servers: int, per_second: float, seconds: float = 60.0) -> Scenario:
    """One gateway in front of servers with two threads each."""
    return Scenario("", servers, 1, 2, PAGES, 0.005, (Phase(per_second, seconds),))


def test_the_same_seed_is_the_same_story_and_another_one_is_another() -> None:
    first, again, other = (play(scenario(1, 4.0, 20.0), seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_the_more_servers_share_a_load_the_less_pages_wait() -> None:
    alone, many = (verdict(play(scenario(servers, 4.8 * servers)).phases[0]) for servers in (1, 10))
    assert alone.answered >= 0.9 * alone.sent
    assert many.answered == many.sent
    assert many.p99 < alone.p99


def test_of_twice_the_load_half_is_refused_and_the_rest_is_answered_as_soon_as_before() -> None:
    seen = verdict(play(scenario(1, 12.0)).phases[0])
    assert seen.answered / seen.sent == pytest.approx(0.5, abs=0.12)
    assert seen.p99 < 5


def test_an_autoscaler_by_what_waits_brings_servers_and_ends_the_refusals() -> None:
    aim = Aim("QueueDepth", 2.0, 10.0, 2, 20)
    burst = replace(scenario(2, 60.0, 180.0), aim=aim)
    story = play(burst)
    late = [page for page in story.phases[0] if page.came > 150]
    assert max(look.servers for look in story.looks) > 10
    assert all(page.answered is not None for page in late)
    assert not all(page.answered is not None for page in story.phases[0])


def test_the_page_tells_what_operator_and_redis_take() -> None:
    load = Load("80 %", 4.8, 4.7, 280, 5, 0, 0.4, 1.7, 0.01)
    end = SmallEnd(2, PAGES, (load,))
    story = play(replace(scenario(1, 4.0, 20.0), phases=(Phase(4.0, 10.0), Phase(4.0, 10.0))))
    fleets = [
        fleet(1, peak_rss_mib=78.0),
        fleet(100, seconds=20.0, peak_rss_mib=110.0),
        fleet(1100, seconds=220.0, peak_rss_mib=210.0),
        fleet(2000, seconds=900.0, peak_rss_mib=800.0, commit="earlier"),
        fleet(3000, seconds=1000.0, peak_rss_mib=900.0, commit="earlier", processor="slow"),
    ]
    jobs = JobCost(count=300, waiting=0.004, job=0.001, document_kib=100.0, kept_kib=28.0)
    page = report.page(
        describe("bench", cores=2, seed=1, pages=5, sets=()),
        end,
        report.Played([story], [story], [story]),
        report.Costs([("balanced", 2.0)], fleets, 260.0, jobs),
    )
    assert "at commit abc, between 100 and 1,100 services" in page
    assert "| until all are Ready that are made at once, s | 0.20 |" in page
    assert "| memory at most, KiB | 102 |" in page
    # 110 MiB for the first hundred, then a tenth of a MiB each.
    assert "limit of 260 MiB is enough for 1,600 services" in page
    assert "% of a core | 0.40 |" in page
    # Two threads read six pages a second.
    assert "Half a core is 500 jobs a second, what 82 model servers like the one above read." in page
    assert "keeps 8,192 jobs" in page


def test_the_operators_memory_is_that_of_the_chart() -> None:
    chart = Path(__file__).parents[2] / "charts" / "ocr-operator" / "values.yaml"
    assert report.operator_mib(chart) == 256
