"""The report: Markdown, JSON and plots; pure but for `write`."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import TypeAdapter

from tests.bench.fleet.audit import WRITES
from tests.bench.fleet.measures import (
    IDLE_SECONDS,
    OPERATOR,
    PER_NAMESPACE,
    SCRAPE_SECONDS,
    Failover,
    Figures,
    Wave,
)
from tests.bench.fleet.world import RATE
from tests.bench.machine import Run
from tests.bench.plot import growth
from tests.cluster.fakenodes import START_MILLISECONDS

NAME = "benchmarks-operator"
# What is aimed at, with how many services.
AIMED_AT = 1000
_HEAD = """# Benchmarks of the operator

Written by `{command}`; do not edit by hand. {date}, commit {commit}, {processor}, {cores} cores,
{memory_gib:.0f} GiB, shared by operator, etcd, kube-apiserver, controllers, scheduler, KWOK and client.

![Seconds](benchmarks-operator-seconds.svg) ![Memory](benchmarks-operator-memory.svg)

"""
_METHOD = f"""## How it is measured

- Real etcd, kube-apiserver (with an audit log of all requests), kube-controller-manager and kube-scheduler.
  KWOK plays nodes and pods: a pod is Ready {START_MILLISECONDS[0]} to {START_MILLISECONDS[1]} ms after it was
  bound. Controllers and scheduler may send {RATE} requests a second each; with their default of 20 to 50 they
  would be what is measured. KWOK is built with one line mended (tests/cluster/kwok/mends.json): of 3,000
  services it took up to .7 of a core for minutes, and pods were Ready late.
- The operator is a process of its own with the chart's flags, service account and rights.
- Services have an empty spec: 10 children and 4 pods each, {PER_NAMESPACE} in a namespace. Each number of
  them has a fresh cluster; where the last rows of the table differ, it is of another run, and times compare
  only within a processor.
- **create**: all at once, until all are Ready and at rest. **rest**: nobody does anything, Prometheus
  scrapes every {SCRAPE_SECONDS:.0f} s; the operator's sweeps over everything come every 10 minutes, and a
  shorter rest is one between them. **restart**: the operator is ended in order and started;
  from its start until it has looked at all. **edit**: a third model server for all. **repair**: every third
  child is deleted, until all are back. **delete**: until no child is left.
- Calls, reads and writes are the operator's by the apiserver's audit log, until {IDLE_SECONDS:.0f} s
  after its last reconcile, without watches and without the Lease (a read and a write every 2 s).
- Quantiles are those of the operator's histograms, as `histogram_quantile` finds them.
- Memory is the process' own, resident (RSS) or with what it shares in part (PSS).
"""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table; `most` is the goal at `AIMED_AT` services."""

    name: str
    value: Callable[[Figures], float]
    form: str
    most: float | None = None


def _each(wave: Callable[[Figures], Wave], what: Callable[[Wave], float]) -> Callable[[Figures], float]:
    return lambda figures: what(wave(figures)) / figures.services


ROWS: tuple[Row, ...] = (
    Row("create: all Ready after, s", lambda f: f.create.seconds, ".1f", 250),
    Row("create: writes a service", _each(lambda f: f.create, lambda w: w.writes), ".1f", 12),
    Row("create: reads a service", _each(lambda f: f.create, lambda w: w.reads), ".1f"),
    Row("create: reconciles a service", _each(lambda f: f.create, lambda w: w.reconciles), ".1f"),
    Row(
        "create: CPU of the operator a service, ms",
        _each(lambda f: f.create, lambda w: 1000 * w.cpu_seconds[OPERATOR]),
        ".0f",
    ),
    Row("create: reconcile p50, s", lambda f: f.create.p50, ".3f"),
    Row("create: reconcile p99, s", lambda f: f.create.p99, ".3f", 1),
    Row("create: event loop late, p99, s", lambda f: f.create.lag_p99, ".3f"),
    Row("rest: for, s", lambda f: f.rest.seconds, ".0f"),
    Row("rest: writes", lambda f: f.rest.writes, ".0f", 0),
    Row("rest: reads", lambda f: f.rest.reads, ".0f"),
    Row("rest: CPU, % of a core", lambda f: f.rest.cpu_percent, ".2f", 1),
    Row("rest: event loop late, p99, s", lambda f: f.rest.lag_p99, ".3f"),
    Row("memory before the first service, RSS MiB", lambda f: f.idle_rss_mib, ".0f"),
    Row("memory at rest, RSS MiB", lambda f: f.rest.rss_mib, ".0f"),
    Row("memory at rest, PSS MiB", lambda f: f.rest.pss_mib, ".0f"),
    Row("memory, peak of RSS, MiB", lambda f: f.peak_rss_mib, ".0f", 250),
    Row("restart: all looked at after, s", lambda f: f.restart.seconds, ".1f", 60),
    Row("restart: writes", lambda f: f.restart.writes, ".0f", 0),
    Row("restart: reads a service", _each(lambda f: f.restart, lambda w: w.reads), ".1f"),
    Row("restart: CPU of the operator, s", lambda f: f.restart.cpu_seconds[OPERATOR], ".1f"),
    Row("edit: all Ready after, s", lambda f: f.edit.seconds, ".1f"),
    Row("edit: writes a service", _each(lambda f: f.edit, lambda w: w.writes), ".1f"),
    Row("edit: reconcile p99, s", lambda f: f.edit.p99, ".3f", 1),
    Row("repair: all back after, s", lambda f: f.repair.seconds, ".1f"),
    Row("repair: writes a service", _each(lambda f: f.repair, lambda w: w.writes), ".1f"),
    Row("delete: no child left after, s", lambda f: f.delete_seconds, ".1f"),
    Row("watches that began again", lambda f: f.watch_restarts, ".0f"),
)
FAILOVER_GOALS = {True: ("kill -9", 20.0), False: ("SIGTERM", 2.0)}


def markdown(run: Run, fleets: Sequence[Figures], failovers: Sequence[Failover]) -> str:
    """The whole page."""
    parts = [_HEAD.format(**asdict(run)), _table(fleets), _failovers(failovers)]
    parts += [_cpu(fleets[-1]), _calls(fleets[-1])]
    return "".join([*parts, _not_reached(fleets, failovers), _METHOD])


def _table(fleets: Sequence[Figures]) -> str:
    heads = [f"{each.services:,} services" for each in fleets]
    lines = [f"| | {' | '.join(heads)} | goal at {AIMED_AT:,} |", "|---|" + "---:|" * (len(fleets) + 1)]
    for row in ROWS:
        goal = "" if row.most is None else f"at most {row.most:g}"
        values = " | ".join(format(row.value(each), row.form) for each in fleets)
        lines.append(f"| {row.name} | {values} | {goal} |")
    lines.append(f"| commit | {' | '.join(each.commit for each in fleets)} | |")
    lines.append(f"| processor | {' | '.join(each.processor for each in fleets)} | |")
    return "\n".join(lines) + "\n\n"


def _failovers(failovers: Sequence[Failover]) -> str:
    lines = ["## Failover", "", "Two operators; from the end of the leader until the other one leads.", ""]
    lines += ["| | least, s | most, s | goal |", "|---|---:|---:|---|"]
    for killed, (name, most) in FAILOVER_GOALS.items():
        seconds = _seconds(failovers, killed=killed)
        if seconds:
            lines.append(f"| {name} | {min(seconds):.1f} | {max(seconds):.1f} | at most {most:g} |")
    return "\n".join(lines) + "\n\n"


def _seconds(failovers: Sequence[Failover], *, killed: bool) -> list[float]:
    return [each.seconds for each in failovers if each.killed == killed]


def _cpu(figures: Figures) -> str:
    used = [{name: 1000 * seconds for name, seconds in wave.cpu_seconds.items()} for wave in _waves(figures)]
    return _by_wave("CPU a service by program, ms", figures, used, sorted(used[0]), ".0f")


def _calls(figures: Figures) -> str:
    calls = [wave.calls for wave in _waves(figures)]
    names = sorted(set().union(*calls), key=lambda name: (name.split()[0] not in WRITES, name))
    return _by_wave("Calls a service", figures, calls, names, ".2f")


def _waves(figures: Figures) -> tuple[Wave, ...]:
    return figures.create, figures.restart, figures.edit, figures.repair


def _by_wave(
    title: str, figures: Figures, waves: Sequence[Mapping[str, float]], names: Sequence[str], form: str
) -> str:
    """A table of what each wave took a service."""
    lines = [f"## {title}, {figures.services:,} services", "", "| | create | restart | edit | repair |"]
    lines.append("|---|---:|---:|---:|---:|")
    for name in names:
        values = (format(wave.get(name, 0) / figures.services, form) for wave in waves)
        lines.append(f"| {name} | {' | '.join(values)} |")
    return "\n".join(lines) + "\n\n"


def _not_reached(fleets: Sequence[Figures], failovers: Sequence[Failover]) -> str:
    lines = [
        f"- {row.name}: {row.value(each):{row.form}} at {each.services:,} services, not {row.most:g}."
        for each in fleets
        for row in ROWS
        if row.most is not None and each.services <= AIMED_AT and not row.value(each) <= row.most
    ]
    for killed, (name, most) in FAILOVER_GOALS.items():
        seconds = _seconds(failovers, killed=killed)
        if seconds and max(seconds) > most:
            lines.append(f"- Failover after {name}: {max(seconds):.1f} s, not {most:g}.")
    return "## What is not reached\n\n" + ("\n".join(lines) or "- Nothing of the above.") + "\n\n"


def plots(fleets: Sequence[Figures]) -> dict[str, str]:
    """SVGs by the end of their names."""
    waves: dict[str, Callable[[Figures], float]] = {
        "create": lambda f: f.create.seconds,
        "edit": lambda f: f.edit.seconds,
        "repair": lambda f: f.repair.seconds,
        "delete": lambda f: f.delete_seconds,
        "restart": lambda f: f.restart.seconds,
    }
    memory: dict[str, Callable[[Figures], float]] = {
        "peak": lambda f: f.peak_rss_mib,
        "at rest": lambda f: f.rest.rss_mib,
    }
    return {
        "seconds": growth("Seconds", "services", _lines(fleets, waves)),
        "memory": growth("Memory of the operator, RSS MiB", "services", _lines(fleets, memory)),
    }


def _lines(
    fleets: Sequence[Figures], values: dict[str, Callable[[Figures], float]]
) -> dict[str, list[tuple[float, float]]]:
    return {name: [(each.services, value(each)) for each in fleets] for name, value in values.items()}


def write(folder: Path, run: Run, fleets: Sequence[Figures], failovers: Sequence[Failover]) -> None:
    """The page, the figures and the plots into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{NAME}.md").write_text(markdown(run, fleets, failovers))
    for name, svg in plots(fleets).items():
        (folder / f"{NAME}-{name}.svg").write_text(svg)
    content = {
        "run": asdict(run),
        "fleets": [_plain(asdict(each)) for each in fleets],
        "failovers": [asdict(each) for each in failovers],
    }
    (folder / f"{NAME}.json").write_text(json.dumps(content, indent=1) + "\n")


def read(folder: Path) -> list[Figures]:
    """The figures that `write` put there, or none."""
    file = folder / f"{NAME}.json"
    if not file.exists():
        return []
    content = json.loads(file.read_text(), object_hook=_measured)
    return TypeAdapter(list[Figures]).validate_python(content["fleets"])


def _measured(value: dict[str, object]) -> dict[str, object]:
    """The inverse of `_plain`."""
    return {name: math.nan if each is None else each for name, each in value.items()}


def _plain(value: object) -> object:
    """JSON has no nan: a quantile of nothing is null."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return None if isinstance(value, float) and math.isnan(value) else value
