"""docs/scaling.md; pure."""

import json
from collections.abc import Sequence
from pathlib import Path

from tests.bench.machine import Run
from tests.bench.overload import Load
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


def page(
    run: Run,
    end: SmallEnd,
    small: Sequence[Story],
    sizes: Sequence[Story],
    bursts: Sequence[Story],
    profiles: Sequence[tuple[str, float]],
) -> str:
    """The whole document."""
    return _TEMPLATE.read_text().format(
        run=run,
        profiles=_rows(_profile(*each) for each in profiles),
        prices=" | ".join(f"at ${price:.2f}" for price in HOUR_PRICES),
        dashes="|".join("---:" for _ in HOUR_PRICES),
        small=_rows(_pair(*each) for each in zip(end.loads, small, strict=True)),
        sizes=_rows(_size(story) for story in sizes),
        bursts=_rows(_burst(story) for story in bursts),
        capacity=end.capacity,
        request_ms=1000 * REQUEST_SECONDS,
        per_gateway=PAGES_PER_GATEWAY,
        times=BURST,
        burst_seconds=BURST_SECONDS,
        base=bursts[0].scenario.servers,
        cloud=CLOUD_PER_MILLION,
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
