"""The report: Markdown, JSON and the plot; pure but for `write`."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from tests.bench.machine import Run
from tests.bench.plot import speed_against_f1
from tests.bench.results import ALL, Figures, Result, in_front

_HEAD = """# Benchmarks

Written by `{command}`; do not edit by hand. Engines read the same image files on the same cores in one run.

Other pages measure the [gateway](benchmarks-gateway.md), the [operator](benchmarks-operator.md) and what it
stands ([chaos](benchmarks-chaos.md)), [mixed traffic](benchmarks-soak.md) on a node, and [many model
servers](scaling.md).

![Pages a second against word-F1](benchmarks.svg)

"""

_BARE = """## What the networks alone would allow

The same tensors given to ONNX Runtime's sessions once more, one thread a core, with nothing around them; and
what the whole stack makes of it: HTTP, decoding, cropping and text included.

| | bare pages/s | pages/s | share |
|---|---:|---:|---:|
"""

_METHOD = """## How it is measured

- {date}, commit {commit}, {processor}, {cores} cores used, {memory:.0f} GiB. {versions}.
- {pages} pages, seed {seed}{sets}. The drawn pages (`tests/bench/pages.py`) are clean type with random
  words: the figures compare engines and do not foretell the accuracy on your scans. They have two halves:
  thresholds are tuned on `tune`, and only `report` is here.
- **pages/s**: one process of the engine for each core, pinned, with one thread, all taking pages from one
  queue, most text first: the way to the highest throughput for every engine. KubeOCR without "(in process)"
  is the gateway and one model server on the same cores, with two clients a core; they are on these cores too.
- **CPU s**: processor time a page in that run. **p50**, **p99**: seconds a page with one client; an engine
  in process has all cores then, the HTTP stack stays in its throughput mode. With so few pages p99 is the
  slowest page.
- **RSS**: the sum of the peaks of all processes of the first run. Times are from the encoded file to the
  text; loading and one page to warm up are not in them.
- **word-F1**: words whatever their order, NFKC, case as it is; a Chinese or Japanese sign is a word.
  **CER**: edits a character in reading order; then without spaces. **found**: true lines that the engine's
  boxes cover by half in the original frame; then on pages turned by 90, 180, 270 degrees or by EXIF only.
  All are means over pages.
- Tesseract is told the language of each page, the others are not. faster-paddle gives upright boxes only.
"""

_NONE = "-"
Column = tuple[str, Callable[[Figures], str]]
_SPEED: tuple[Column, ...] = (
    ("pages/s", lambda row: f"{row.pages_per_second:.2f}"),
    ("CPU s", lambda row: f"{row.cpu_seconds:.2f}"),
    ("p50 s", lambda row: f"{row.p50:.2f}"),
    ("p99 s", lambda row: f"{row.p99:.2f}"),
    ("RSS MiB", lambda row: f"{row.peak_mib:.0f}"),
)
_TEXT: tuple[Column, ...] = (
    ("word-F1", lambda row: _number(row.scores[ALL].word_f1)),
    ("CER", lambda row: _number(row.scores[ALL].cer)),
    ("CER, no spaces", lambda row: _number(row.scores[ALL].cer_no_spaces)),
    ("found", lambda row: _number(row.scores[ALL].found)),
    ("found, turned", lambda row: _number(row.scores["turned"].found) if "turned" in row.scores else _NONE),
)


def markdown(run: Run, results: Sequence[Result]) -> str:
    """The whole page. Ratios are to the first result that has figures."""
    first = next((each for each in results if each.figures), None)
    columns = (*_SPEED, *_TEXT)
    if first and first.figures:
        columns = (("speed", _ratio(first.figures)), *columns)
    parts = [_HEAD.format(command=run.command)]
    if first:
        parts.append(f"`speed` is pages/s as a multiple of {first.name}'s.\n\n")
    parts += [_table(results, columns), _bare(results), _groups(results), _not_won(results)]
    return "".join([*parts, _trouble(results), _method(run)])


def _bare(results: Sequence[Result]) -> str:
    rows = [
        f"| {each.name} | {each.bare:.2f} | {each.figures.pages_per_second:.2f} |"
        f" {each.figures.pages_per_second / each.bare:.0%} |"
        for each in results
        if each.bare and each.figures
    ]
    return _BARE + "\n".join(rows) + "\n\n" if rows else ""


def _ratio(first: Figures) -> Callable[[Figures], str]:
    return lambda row: f"{row.pages_per_second / first.pages_per_second:.1f}x"


def _number(value: float | None) -> str:
    return _NONE if value is None else f"{value:.3f}"


def _table(results: Sequence[Result], columns: Sequence[Column]) -> str:
    rows = ["| engine | " + " | ".join(name for name, _ in columns) + " |", "|---|" + "---:|" * len(columns)]
    for each in results:
        if each.figures:
            name = f"**{each.name}**" if each.ours else each.name
            rows.append(f"| {name} | " + " | ".join(show(each.figures) for _, show in columns) + " |")
    return "\n".join(rows) + "\n\n"


def _groups(results: Sequence[Result]) -> str:
    measured = [each.figures for each in results if each.figures]
    kinds = [kind for kind in measured[0].scores if kind != ALL] if measured else []

    def f1(kind: str) -> Callable[[Figures], str]:
        return lambda row: _number(row.scores[kind].word_f1)

    def cer(kind: str) -> Callable[[Figures], str]:
        return lambda row: _number(row.scores[kind].cer)

    words = _table(results, [(kind, f1(kind)) for kind in kinds])
    order = _table(results, [(kind, cer(kind)) for kind in kinds])
    return f"## word-F1 by kind of page\n\n{words}## CER in reading order by kind of page\n\n{order}"


def _not_won(results: Sequence[Result]) -> str:
    lines = [
        f"- {peer.name} is faster than {own.name} and reads more words." for own, peer in in_front(results)
    ]
    for name, key, sign in _RANKED:
        best = min(
            ((sign * key(each.figures), each) for each in results if each.figures),
            key=lambda pair: pair[0],
            default=None,
        )
        if best and not best[1].ours:
            lines.append(f"- Best {name}: {best[1].name}.")
    return "## What is not won\n\n" + ("\n".join(lines) or "- Nothing in these figures.") + "\n\n"


_RANKED: tuple[tuple[str, Callable[[Figures], float], int], ...] = (
    ("pages/s", lambda row: row.pages_per_second, -1),
    ("CPU seconds a page", lambda row: row.cpu_seconds, 1),
    ("median latency", lambda row: row.p50, 1),
    ("peak memory", lambda row: row.peak_mib, 1),
    ("word-F1", lambda row: row.scores[ALL].word_f1, -1),
    ("CER in reading order", lambda row: row.scores[ALL].cer, 1),
    ("CER without spaces", lambda row: row.scores[ALL].cer_no_spaces, 1),
    ("detection recall", lambda row: row.scores[ALL].found or 0, -1),
)


def _trouble(results: Sequence[Result]) -> str:
    lines = [f"- {each.name}: not measured: {each.reason}" for each in results if not each.figures]
    for each in results:
        errors = each.figures.errors if each.figures else {}
        lines += [f"- {each.name}, page {page}: {error}" for page, error in errors.items()]
    return "## What failed\n\n" + "\n".join(lines) + "\n\n" if lines else ""


def _method(run: Run) -> str:
    return _METHOD.format(
        date=run.date,
        commit=run.commit,
        processor=run.processor,
        cores=run.cores,
        memory=run.memory_gib,
        versions=", ".join(f"{name} {version}" for name, version in run.versions.items()),
        pages=run.pages,
        seed=run.seed,
        sets=f", and the sets {', '.join(run.sets)}" if run.sets else "",
    )


def write(folder: Path, run: Run, results: Sequence[Result]) -> None:
    """benchmarks.md, benchmarks.json and benchmarks.svg into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "benchmarks.md").write_text(markdown(run, results))
    (folder / "benchmarks.svg").write_text(speed_against_f1(results))
    content = {"run": asdict(run), "engines": [asdict(each) for each in results]}
    (folder / "benchmarks.json").write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n")
