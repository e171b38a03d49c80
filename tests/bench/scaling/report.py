"""docs/scaling.md; pure."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import yaml

from ocr_gateway.jobs.settings import MIB, JobSettings
from tests.bench.fleet.measures import OPERATOR, Figures
from tests.bench.machine import Run
from tests.bench.overload import Load
from tests.bench.scaling.jobs import JobCost
from tests.bench.scaling.measured import SmallEnd
from tests.bench.scaling.plans import BURST, BURST_SECONDS, PAGES_PER_GATEWAY, REQUEST_SECONDS
from tests.bench.scaling.scenario import Story, Verdict, verdict

# USD for an hour of one virtual CPU: what clouds ask on demand, and much less on spot.
HOUR_PRICES = (0.01, 0.02, 0.04, 0.06)
# USD for a million pages of document text, of the first five: https://cloud.google.com/vision/pricing.
CLOUD_PER_MILLION = 1500.0
_TEMPLATE = Path(__file__).with_name("template.md")
BIN_SECONDS = 15.0
WELL = 0.99


def capacity(engines: Path) -> list[tuple[str, float]]:
    """Profiles and their pages a second of one core, from the last `make bench-engine`."""
    found = json.loads(engines.read_text())
    cores = found["run"]["cores"]
    return [
        (each["name"].removeprefix("KubeOCR "), each["figures"]["pages_per_second"] / cores)
        for each in found["engines"]
        if each["ours"] and "in process" not in each["name"]
    ]


def operator_mib(values: Path) -> float:
    """The memory that the chart's values give to the operator."""
    limit: str = yaml.safe_load(values.read_text())["resources"]["limits"]["memory"]
    return float(limit.removesuffix("Mi"))


def largest(fleets: Sequence[Figures]) -> tuple[Figures, Figures]:
    """The two largest fleets, one after the other, of the same commit and processor."""
    return next(
        (few, many)
        for few, many in reversed(list(pairwise(fleets)))
        if (few.commit, few.processor) == (many.commit, many.processor)
    )


def services_within(few: Figures, many: Figures, mib: float) -> int:
    """How many services the operator stands in so much memory, on the line through the two fleets."""
    each = (many.peak_rss_mib - few.peak_rss_mib) / (many.services - few.services)
    return int(few.services + (mib - few.peak_rss_mib) / each)


def _operator(few: Figures, many: Figures) -> Iterator[tuple[str, str]]:
    """What one service more costs, in the mean between two fleets."""

    def more(what: Callable[[Figures], float]) -> float:
        return (what(many) - what(few)) / (many.services - few.services)

    yield "until all are Ready that are made at once, s", f"{more(lambda f: f.create.seconds):.2f}"
    yield "CPU to make it, ms", f"{1000 * more(lambda f: f.create.cpu_seconds[OPERATOR]):.0f}"
    yield "CPU for an edit, ms", f"{1000 * more(lambda f: f.edit.cpu_seconds[OPERATOR]):.0f}"
    yield "CPU after a restart, ms", f"{1000 * more(lambda f: f.restart.cpu_seconds[OPERATOR]):.0f}"
    yield "memory at rest, KiB", f"{1024 * more(lambda f: f.rest.rss_mib):.0f}"
    yield "memory at most, KiB", f"{1024 * more(lambda f: f.peak_rss_mib):.0f}"


def recovered(story: Story) -> float | None:
    """Seconds after the burst's begin from which on nearly all pages are read at their first call."""
    burst = story.phases[1]
    start = story.scenario.phases[0].seconds
    late: float = 0.0
    for step in range(round(BURST_SECONDS / BIN_SECONDS)):
        pages = [p for p in burst if step * BIN_SECONDS <= p.came - start < (step + 1) * BIN_SECONDS]
        if sum(page.calls == 1 and page.answered is not None for page in pages) < WELL * len(pages):
            late = (step + 1) * BIN_SECONDS
    return late if late < BURST_SECONDS else None


@dataclass(frozen=True, slots=True)
class Played:
    """What was simulated: what was measured, too; more and more servers; ten times the load."""

    small: Sequence[Story]
    sizes: Sequence[Story]
    bursts: Sequence[Story]


@dataclass(frozen=True, slots=True)
class Costs:
    """What was measured of the other programs: profiles and their pages a second of one core, fleets of
    services, the memory that the operator may take, jobs.
    """

    profiles: Sequence[tuple[str, float]]
    fleets: Sequence[Figures]
    operator_mib: float
    jobs: JobCost


def page(run: Run, end: SmallEnd, played: Played, costs: Costs) -> str:
    """The whole document."""
    few, many = largest(costs.fleets)
    jobs, settings = costs.jobs, JobSettings()
    return _TEMPLATE.read_text().format(
        run=run,
        profiles=_rows(_profile(*each) for each in costs.profiles),
        prices=" | ".join(f"at ${price:.2f}" for price in HOUR_PRICES),
        dashes="|".join("---:" for _ in HOUR_PRICES),
        small=_rows(_pair(*each) for each in zip(end.loads, played.small, strict=True)),
        sizes=_rows(_size(story) for story in played.sizes),
        bursts=_rows(_burst(story) for story in played.bursts),
        capacity=end.capacity,
        request_ms=1000 * REQUEST_SECONDS,
        per_gateway=PAGES_PER_GATEWAY,
        times=BURST,
        burst_seconds=BURST_SECONDS,
        base=played.bursts[0].scenario.servers,
        cloud=CLOUD_PER_MILLION,
        few=few,
        many=many,
        operator=_rows(_operator(few, many)),
        limit=costs.operator_mib,
        services=services_within(few, many, costs.operator_mib),
        jobs=jobs,
        jobs_waiting=100 * jobs.waiting,
        jobs_ms=1000 * jobs.job,
        jobs_rate=0.5 / jobs.job,
        jobs_servers=0.5 / jobs.job / end.capacity,
        jobs_steady=jobs.kept_in_a_gib / settings.job_ttl_seconds,
        max_jobs=settings.max_jobs,
        max_mib=settings.max_job_bytes / MIB,
    )


def _profile(name: str, per_core: float) -> tuple[str, ...]:
    hours = 1e6 / per_core / 3600
    return (name, f"{per_core:.2f}", f"{hours:.0f}", *(f"${hours * price:.2f}" for price in HOUR_PRICES))


def _pair(load: Load, story: Story) -> tuple[str, ...]:
    seen = verdict(story.phases[0])
    refused = 1 - seen.answered / seen.sent
    measured = load.refused / (load.accepted + load.refused + load.other)
    pairs = ((load.p50, seen.p50), (load.p99, seen.p99))
    return (load.name, *(f"{a:.2f} / {b:.2f}" for a, b in pairs), f"{measured:.0%} / {refused:.0%}")


def _size(story: Story) -> tuple[str, ...]:
    seen, scenario = verdict(story.phases[0]), story.scenario
    rate = scenario.phases[0].per_second
    return (
        f"{scenario.servers}",
        f"{scenario.gateways}",
        f"{rate:.1f}",
        f"{seen.p50:.2f}",
        f"{seen.p99:.2f}",
        _lost(seen),
    )


def _burst(story: Story) -> tuple[str, ...]:
    seen, after = verdict(story.phases[1]), recovered(story)
    most = max(look.servers for look in story.looks)
    return (
        story.scenario.name,
        f"{story.scenario.gateways}",
        f"{most}",
        "not in it" if after is None else f"{after:.0f} s",
        f"{seen.p50:.1f}",
        f"{seen.p99:.1f}",
        f"{seen.calls / seen.sent:.2f}",
        _lost(seen),
    )


def _lost(seen: Verdict) -> str:
    return f"{1 - seen.answered / seen.sent:.1%}"


def _rows(rows: object) -> str:
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)  # type: ignore[attr-defined]
