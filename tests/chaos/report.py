"""The report: how seeds ended, how long it took, by kind of fault."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from tests.bench.machine import describe
from tests.chaos import faults
from tests.chaos.play import CONVERGE_SECONDS, QUIET_SECONDS, Result
from tests.chaos.schedule import CREWS

NAME: Final = "benchmarks-chaos.md"
_HEAD: Final = """# Chaos

Written by `{command}`; do not edit by hand. {date}, commit {commit}, {processor}, {cores} cores,
{memory_gib:.0f} GiB.

"""
_OPERATORS: Final = {
    "one": "one operator",
    "pair": "two, of which the Lease lets one work",
    "versions": "two versions with a Lease, as in an upgrade",
    "rivals": "two versions without a Lease, by mistake",
}
_METHOD: Final = f"""## How it is played

- Each seed draws what users do (create, edit, scale, annotate, delete; delete and edit children), what goes
  wrong, and when. `make chaos SEED=n` plays one alone and prints it.
- Real etcd, kube-apiserver and kube-controller-manager, the real operator as a process that is started again
  when it ends; a proxy between them injects what the apiserver can't be asked for. Pods are played.
- After the last fault, within {CONVERGE_SECONDS:.0f} s: every service has the spec that its user wrote, a
  status about it, all its children, and as many pods as asked; no child, and no key of the shared ConfigMap,
  belongs to nobody; an operator that started now would change nothing.
- Then, for {QUIET_SECONDS:.0f} s, nobody writes anything.
- All the while: the operator never wrote a field of an OCRService besides its status, and never gave a
  Deployment fewer pods than its users had asked for.
"""


def write(folder: Path, results: Sequence[Result], command: str, earlier: int) -> None:
    """Write the page into the folder, and print it; `earlier` results are of runs before."""
    page = markdown(results, command, earlier)
    (folder / NAME).write_text(page)
    print(page, flush=True)


def markdown(results: Sequence[Result], command: str, earlier: int) -> str:
    """The whole page."""
    run = describe(command, cores=2, seed=0, pages=0, sets=())
    failed = [str(result.seed) for result in sorted(results, key=_seed) if result.problems]
    count = {
        "faults": sum(len(each.faults) for each in results),
        "drawn": sum(each.drawn for each in results),
        "writes": sum(each.writes for each in results),
        "restarts": sum(each.restarts for each in results),
        "took": sum(each.took for each in results),
    }
    kept = f"{earlier} of them were played by earlier runs, of earlier commits.\n" if earlier else ""
    verdict = (
        f"{len(results)} seeds; of {count['drawn']} faults {count['faults']} struck; "
        f"{count['writes']:,} writes of operators, "
        f"{count['restarts']} operators started again; {count['took'] / len(results):.0f} s a seed.\n"
        f"Failed: {', '.join(failed) or 'none'}.\n"
        f"{kept}\n"
    )
    return "".join([_HEAD.format(**asdict(run)), verdict, _times(results), _faults(results), _METHOD])


def _seed(result: Result) -> int:
    return result.seed


def _times(results: Sequence[Result]) -> str:
    lines = [
        "Seconds from the end of the faults until all was right:",
        "",
        "| operators | seeds | p50 | p99 | most |",
        "|---|---:|---:|---:|---:|",
    ]
    crews = [_line(_OPERATORS[crew], [each for each in results if each.crew == crew]) for crew in CREWS]
    return "\n".join([*lines, *crews, _line("all", results)]) + "\n\n"


def _faults(results: Sequence[Result]) -> str:
    lines = ["| fault | seeds | p50 | p99 | most |", "|---|---:|---:|---:|---:|"]
    for name, fault in faults.FAULTS.items():
        said = (fault.__doc__ or "").partition("\n")[0].rstrip(".")
        lines.append(_line(f"`{name}` {said}", [each for each in results if name in each.faults]))
    return "\n".join(lines) + "\n\n"


def _line(name: str, results: Iterable[Result]) -> str:
    times = sorted(result.seconds for result in results if not result.problems)
    if not times:
        return f"| {name} | 0 | | | |"
    p99 = statistics.quantiles(times, n=100, method="inclusive")[98] if len(times) > 1 else times[0]
    return f"| {name} | {len(times)} | {statistics.median(times):.1f} | {p99:.1f} | {times[-1]:.1f} |"
