"""`python -m tests.bench.fleet`: measure, print the page, write docs/benchmarks-operator.* with plots."""

import argparse
import asyncio
import shlex
import sys
import time
from pathlib import Path

from tests.bench.fleet import report
from tests.bench.fleet.measures import Figures, failover, fleet
from tests.bench.machine import describe

_ROOT = Path(__file__).parents[3]
_SIZES, _QUICK = (1, 100, 1000, 3000), (1, 30, 100)
# A fleet that would end after so many seconds, by what the one before took, is left out.
_BUDGET_SECONDS = 30 * 60.0


def main() -> None:
    """Run all sizes, or those named."""
    parser = argparse.ArgumentParser(prog="tests.bench.fleet", description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"sizes {_QUICK}, a shorter rest")
    parser.add_argument("--size", type=int, action="append", metavar="N", help="services; repeatable")
    parser.add_argument("--out", type=Path, default=_ROOT / "docs", metavar="DIR", help="(%(default)s)")
    options = parser.parse_args()
    sizes = options.size or (_QUICK if options.quick else _SIZES)
    rest_seconds, repeats = (30.0, 1) if options.quick else (60.0, 3)
    started = time.monotonic()
    failovers = failover(repeats)
    fleets, left_out = list[Figures](), list[str]()
    for size in sorted(sizes):
        begun = time.monotonic()
        if fleets and begun - started + _expected(fleets[-1], size) > _BUDGET_SECONDS:
            left_out.append(f"{size:,} services are not measured: they would not end within half an hour.")
            continue
        fleets.append(asyncio.run(_measure(size, rest_seconds)))
        print(f"{size} services: {time.monotonic() - begun:.0f} s", flush=True)
    command = shlex.join(["python", "-m", "tests.bench.fleet", *sys.argv[1:]])
    run = describe(command, cores=2, seed=0, pages=0, sets=())
    report.write(options.out, run, fleets, failovers, left_out)
    print(report.markdown(run, fleets, failovers, left_out))


def _expected(last: Figures, size: int) -> float:
    waves = (last.create, last.restart, last.edit, last.repair)
    return (
        last.rest.seconds + (sum(wave.seconds for wave in waves) + last.delete_seconds) * size / last.services
    )


async def _measure(size: int, rest_seconds: float) -> Figures:
    async with fleet(size) as measured:
        return await measured.measure(rest_seconds)


if __name__ == "__main__":
    main()
