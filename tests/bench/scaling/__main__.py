"""`python -m tests.bench.scaling`: measure the small end, simulate the rest, write docs/scaling.md."""

import argparse
import asyncio
import logging
from collections.abc import Iterable
from pathlib import Path

from tests.bench.fleet.report import read
from tests.bench.machine import describe
from tests.bench.scaling import jobs, plans, report
from tests.bench.scaling.measured import measure
from tests.bench.scaling.scenario import Scenario, Story, play, verdict

_DOCS = Path(__file__).parents[3] / "docs"
_SEED = 1


def main() -> None:
    """Measure, simulate, write."""
    parser = argparse.ArgumentParser(prog="tests.bench.scaling", description=__doc__)
    add = parser.add_argument
    add("--model", default="balanced", metavar="NAME", help="profile (%(default)s)")
    add("--threads", type=int, default=2, metavar="N", help="of the model server (%(default)s)")
    add("--seconds", type=float, default=60.0, metavar="N", help="of each measurement (%(default)s)")
    add("--burst", type=int, default=20, metavar="N", help="model servers before the burst (%(default)s)")
    add("--out", type=Path, default=_DOCS, metavar="DIR", help="(%(default)s)")
    options = parser.parse_args()
    logging.disable(logging.WARNING)  # thousands of refusals are what is simulated
    kept = asyncio.run(jobs.measure(options.model, options.threads, options.seconds))
    end = asyncio.run(measure(options.model, options.threads, options.seconds))
    played = report.Played(
        small=_play(plans.small(end, options.seconds)),
        sizes=_play(plans.sizes(end)),
        bursts=_play(plans.bursts(end, options.burst)),
    )
    costs = report.Costs(
        profiles=report.capacity(_DOCS / "benchmarks.json"),
        fleets=read(_DOCS),
        operator_mib=report.operator_mib(_DOCS.parent / "charts" / "ocr-operator" / "values.yaml"),
        jobs=kept,
    )
    run = describe("make bench-scaling", cores=options.threads, seed=_SEED, pages=len(end.pages), sets=())
    text = report.page(run, end, played, costs)
    (options.out / "scaling.md").write_text(text)


def _play(scenarios: Iterable[Scenario]) -> list[Story]:
    stories = []
    for scenario in scenarios:
        story = play(scenario, _SEED)
        print(f"{scenario.servers} servers, {scenario.name}: {[verdict(pages) for pages in story.phases]}")
        stories.append(story)
    return stories


if __name__ == "__main__":
    main()
