"""`python -m tests.bench.gateway`: measure, print a table, write docs/benchmarks-gateway.{md,json}."""

import argparse
import asyncio
import json
from dataclasses import asdict
from inspect import getdoc
from pathlib import Path

from tests.bench.gateway import documents, peers
from tests.bench.gateway.measures import MEASURES, Row, Sizes
from tests.bench.machine import describe

_ROOT = Path(__file__).parents[3]
_QUICK = Sizes(paired=100, empty=500, flat=1000, real=4)
_HEAD = """# Benchmarks of the gateway

Written by `{command}`; do not edit by hand. Gateway, model servers and clients share the cores.
{date}, commit {commit}, {processor}, {cores} cores.

"""


def main() -> None:
    """Run all measures, or those named."""
    parser = argparse.ArgumentParser(prog="tests.bench.gateway", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the requests")
    parser.add_argument(
        "--only", action="append", default=[], metavar="NAME", help="of a measure; repeatable"
    )
    parser.add_argument("--out", type=Path, default=_ROOT / "docs", metavar="DIR", help="(%(default)s)")
    options = parser.parse_args()
    sections = {
        measure.__name__: (getdoc(measure) or "", asyncio.run(measure(_QUICK if options.quick else Sizes())))
        for measure in (*MEASURES, *documents.MEASURES, *peers.MEASURES)
        if not options.only or measure.__name__ in options.only
    }
    run = describe("make bench-gateway", cores=2, seed=0, pages=0, sets=())
    text = _HEAD.format(**asdict(run)) + "".join(
        _section(name, about, rows) for name, (about, rows) in sections.items()
    )
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "benchmarks-gateway.md").write_text(text)
    rows = {name: [asdict(row) for row in rows] for name, (_, rows) in sections.items()}
    (options.out / "benchmarks-gateway.json").write_text(
        json.dumps({"run": asdict(run), **rows}, indent=1) + "\n"
    )
    print(text)


def _section(name: str, about: str, rows: list[Row]) -> str:
    lines = [f"| {row.name} | {row.value:.2f} {row.unit} | {row.goal} |" for row in rows]
    table = "\n".join(["| | measured | goal |", "|---|---:|---|", *lines])
    return f"## {name.replace('_', ' ').capitalize()}\n\n{about}\n\n{table}\n\n"


if __name__ == "__main__":
    main()
