"""`python -m tests.bench`: read the pages with every engine and write docs/benchmarks.{md,json,svg}."""

import argparse
import os
import shlex
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.bench import fonts, pages, report
from tests.bench.bare import bare_pages_per_second
from tests.bench.engines import PEERS, Engine, default_models, ours
from tests.bench.environments import NotMeasuredError, cache_dir
from tests.bench.machine import describe
from tests.bench.measure import Stored, run_processes
from tests.bench.results import ALL, Result, figures
from tests.bench.sets import SetError, read_set
from tests.bench.stack import run_stack

_CORES = 2
_ROOT = Path(__file__).parents[2]


def main() -> int:
    """Run the benchmark; the exit status."""
    options = _parser().parse_args()
    cores = sorted(os.sched_getaffinity(0))[:_CORES]
    os.sched_setaffinity(0, cores)
    engines = [
        each for each in (*PEERS, *ours(options.model or default_models())) if _wanted(each, options.only)
    ]
    try:
        fonts.install()
        drawn = list(pages.render_all("report", quick=options.quick, seed=options.seed))
        given = [
            page
            for name, folder in options.set
            for page in read_set(name, folder, "report", options.set_pages)
        ]
    except (fonts.FontsMissingError, SetError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    results = _run(engines, [*drawn, *given], cores)
    command = shlex.join(["python", "-m", "tests.bench", *sys.argv[1:]])
    sets = tuple(name for name, _ in options.set)
    run = describe(command, cores=len(cores), seed=options.seed, pages=len(drawn) + len(given), sets=sets)
    report.write(options.out, run, results)
    print(report.markdown(run, results))
    return 0


def _run(engines: Sequence[Engine], wanted: Sequence[pages.Page], cores: Sequence[int]) -> list[Result]:
    results = []
    log = cache_dir() / "engines.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        stored = [Stored(page, pages.write(Path(folder), page)) for page in wanted]
        for engine in engines:
            log.write_bytes(b"")
            results.append(_result(engine, stored, cores, log))
    return results


def _result(engine: Engine, stored: Sequence[Stored], cores: Sequence[int], log: Path) -> Result:
    print(f"== {engine.name}", flush=True)
    run, start = run_stack if engine.way == "http" else run_processes, time.perf_counter()
    try:
        found = figures(run(engine, stored, cores, log), [each.page for each in stored])
    except NotMeasuredError as error:
        print(f"   not measured: {error}", flush=True)
        return Result(engine.name, engine.ours, None, str(error))
    took, score = time.perf_counter() - start, found.scores[ALL]
    print(
        f"   {found.pages_per_second:.2f} pages/s, {found.cpu_seconds:.2f} CPU s a page,"
        f" word-F1 {score.word_f1:.3f}, CER {score.cer:.3f}, {len(found.errors)} errors ({took:.0f} s)",
        flush=True,
    )
    if engine.way != "http":
        return Result(engine.name, engine.ours, found)
    bare = bare_pages_per_second(str(engine.options["model"]), stored, len(cores))
    print(f"   its bare networks: {bare:.2f} pages/s", flush=True)
    return Result(engine.name, engine.ours, found, bare=bare)


def _wanted(engine: Engine, only: Sequence[str]) -> bool:
    return not only or any(part.lower() in engine.name.lower() for part in only)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tests.bench", description=__doc__)
    add = parser.add_argument
    add("--quick", action="store_true", help="the short list of pages")
    add(
        "--model",
        action="append",
        default=[],
        metavar="NAME",
        help="of ours; repeatable (the profiles, or all)",
    )
    add(
        "--only",
        action="append",
        default=[],
        metavar="TEXT",
        help="engines with this in their name; repeatable",
    )
    add(
        "--set",
        action="append",
        default=[],
        type=_set,
        metavar="NAME=FOLDER",
        help="a public set, see sets.py",
    )
    add("--set-pages", type=int, default=20, metavar="N", help="at most so many pages of a set (%(default)s)")
    add("--seed", type=int, default=pages.SEED, help="of the drawn pages (%(default)s)")
    add("--out", type=Path, default=_ROOT / "docs", metavar="DIR", help="where the report goes (%(default)s)")
    return parser


def _set(text: str) -> tuple[str, Path]:
    name, equals, folder = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=FOLDER")
    return name, Path(folder)


if __name__ == "__main__":
    raise SystemExit(main())
