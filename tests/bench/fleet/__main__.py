"""`python -m tests.bench.fleet`: measure, print the page, write docs/benchmarks-operator.* with plots.

Sizes that are not measured stay in the page as they are; each says of which commit and processor it is.
"""

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
_SIZES, _QUICK = (1, 100, 1000), (1, 30, 100)
# A rest, and one as long as the operator's sweeps are apart.
_REST_SECONDS, _SWEPT_SECONDS = 30.0, 600.0


def main() -> None:
    """Run the usual sizes, or those named."""
    parser = argparse.ArgumentParser(prog="tests.bench.fleet", description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"sizes {_QUICK}, fewer failovers")
    parser.add_argument("--size", type=int, action="append", metavar="N", help="services; repeatable")
    parser.add_argument("--out", type=Path, default=_ROOT / "docs", metavar="DIR", help="(%(default)s)")
    options = parser.parse_args()
    sizes = options.size or (_QUICK if options.quick else _SIZES)
    failovers = failover(1 if options.quick else 3)
    fleets = [each for each in report.read(options.out) if each.services not in sizes]
    for size in sizes:
        begun = time.monotonic()
        fleets.append(asyncio.run(_measure(size)))
        print(f"{size} services: {time.monotonic() - begun:.0f} s", flush=True)
    fleets.sort(key=lambda figures: figures.services)
    command = shlex.join(["python", "-m", "tests.bench.fleet", *sys.argv[1:]])
    run = describe(command, cores=2, seed=0, pages=0, sets=())
    report.write(options.out, run, fleets, failovers)
    print(report.markdown(run, fleets, failovers))


async def _measure(size: int) -> Figures:
    async with fleet(size) as measured:
        return await measured.measure(_SWEPT_SECONDS if size >= report.AIMED_AT else _REST_SECONDS)


if __name__ == "__main__":
    main()
