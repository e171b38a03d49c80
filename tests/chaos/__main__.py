"""`python -m tests.chaos`: play seeds, side by side on control planes of their own; write the report."""

import argparse
import json
import shlex
import signal
import sys
from pathlib import Path
from typing import Final

from tests.chaos.lanes import results_of
from tests.chaos.play import Result
from tests.chaos.report import write
from tests.chaos.schedule import draw
from tests.cluster import tools
from tests.support.process import ROOT

LANES: Final = 3


def main() -> int:
    """Play the seeds; 1 if one of them failed."""
    parser = argparse.ArgumentParser(prog="tests.chaos", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, metavar="N", help="how many (%(default)s)")
    parser.add_argument("--first", type=int, default=1, metavar="N", help="the first of them (%(default)s)")
    parser.add_argument("--seed", type=int, action="append", metavar="N", help="only this one; repeatable")
    parser.add_argument("--lanes", type=int, default=LANES, metavar="N", help="side by side (%(default)s)")
    parser.add_argument(
        "--keep", type=Path, metavar="FILE", help="results; what went well in it is not played again"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "docs", metavar="DIR", help="(%(default)s)")
    options = parser.parse_args()
    # An end in order takes the lanes along.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    seeds = options.seed or list(range(options.first, options.first + options.seeds))
    tools.kubernetes()
    kept = _kept(options.keep)
    seeds = [seed for seed in seeds if seed not in kept or kept[seed].problems]
    earlier = len(kept.keys() - seeds)
    for result in results_of(seeds, min(options.lanes, len(seeds))):
        kept[result.seed] = result
        _show(result, alone=bool(options.seed))
        if options.keep:
            with options.keep.open("a") as file:
                file.write(json.dumps(result.dump()) + "\n")
    results = list(kept.values())
    if not options.seed:
        write(options.out, results, shlex.join(["python", "-m", "tests.chaos", *sys.argv[1:]]), earlier)
    failed = sorted(result.seed for result in results if result.problems)
    print(f"{len(results)} seeds, failed: {failed or 'none'}; again: make chaos SEED=n", flush=True)
    return 1 if failed else 0


def _kept(file: Path | None) -> dict[int, Result]:
    """What earlier runs played, by seed: the last of each, also if it failed."""
    if file is None or not file.exists():
        return {}
    results = (Result(**json.loads(line)) for line in file.read_text().splitlines())
    return {result.seed: result for result in results}


def _show(result: Result, *, alone: bool) -> None:
    if alone or result.problems:
        print(draw(result.seed))
    verdict = "; ".join(result.problems) or f"right after {result.seconds:.1f} s"
    told = f"{result.took:.0f} s, {result.writes} writes, {result.restarts} restarts"
    print(f"seed {result.seed}: {verdict} ({told})", flush=True)
    if result.problems:
        print(result.log, flush=True)


if __name__ == "__main__":
    sys.exit(main())
