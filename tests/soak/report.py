"""The report of a run: Markdown; pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict

from ocr_gateway.problems import CODES
from tests.bench.machine import Run
from tests.soak.clients import CLIENTS
from tests.soak.run import Seen
from tests.soak.samples import GROWTH, LEAST_SECONDS, SLACK_FILES, SLACK_MIB, Life
from tests.soak.verdict import FULL, READ, TOLERANCE

_HEAD = """# Soak

Written by `{command}`; do not edit by hand. {date}, commit {commit}, {processor}, {cores} cores,
{memory_gib:.0f} GiB, shared by the node, the operator, two gateways, two model servers, a Redis and
{clients} clients.

"""
_METHOD = f"""## How it is made

- A real node (kubelet, containerd, kube-proxy), the operator by its chart, one OCRService with two gateways,
  two model servers, API keys and jobs in a Redis. Clients send over connections of their own what a seed
  says: formats, sizes, outputs, files and requests that are wrong, slow clients and ones that stall or
  leave, batches, jobs.
- Meanwhile pods are restarted, killed and scaled and the spec is edited: in the first half of the time all
  that replaces pods, in the second only what leaves them alone.
- **{READ}**: the words of every page are those that were drawn, by a word-F1 of at least {TOLERANCE}; no two
  documents have the same words. A **code** is that of a problem that fits what was sent. A request to a full
  service comes again after `Retry-After`. Everything else is **unexplained**, and the run fails.
- When all clients have gone, gateways and model servers hold no request, page, byte or job.
- Memory is what all processes of a pod have resident that no file is behind, without the first third of the
  pod's life; of pods that lived {LEAST_SECONDS:.0f} s and more. Flat: the last third has at most {GROWTH:g}
  times the middle one, {SLACK_MIB:g} MiB and {SLACK_FILES} open files more; a third is its median.
"""


def markdown(run: Run, seen: Seen) -> str:
    """The whole page."""
    head = _HEAD.format(**asdict(run), clients=CLIENTS)
    return "".join([head, _summary(seen), _requests(seen), _lives(seen), _faults(seen), _METHOD])


def _summary(seen: Seen) -> str:
    ledger = seen.ledger
    came_again = sum(ledger.problems[code] for code in FULL)
    disturbances = Counter(seen.disturbances)
    told = ", ".join(f"{name} ({count})" for name, count in sorted(disturbances.items()))
    return (
        f"{ledger.requests:,} requests in {seen.seconds / 60:.1f} minutes by seed {seen.seed}, "
        f"**{len(ledger.unexplained)} unexplained**; {came_again} times one had to come again.\n\n"
        f"Meanwhile: {told}.\n\n"
    )


def _requests(seen: Seen) -> str:
    lines = ["## Requests", "", "| | outcome | requests |", "|---|---|---:|"]
    for (kind, outcome), count in sorted(seen.ledger.counts.items()):
        lines.append(f"| {kind} | {outcome} | {count:,} |")
    met = ", ".join(f"`{code}` {count}" for code, count in sorted(seen.ledger.problems.items()))
    others = ", ".join(f"`{code}`" for code in CODES if code not in seen.ledger.problems)
    return "\n".join(lines) + f"\n\nProblems that were answered: {met}.\n\nNever: {others}.\n\n"


def _lives(seen: Seen) -> str:
    lines = [
        "## Memory and open files",
        "",
        "| pod | lived, s | MiB, middle | MiB, last | MiB an hour | files, middle | files, last | |",
        "|---|---:|---:|---:|---:|---:|---:|---|",
    ]
    for component, lives in seen.lives.items():
        lines += [_life(component, life) for life in lives] or [
            f"| {component} | none lived long enough |" + " |" * 6
        ]
    return "\n".join(lines) + "\n\n"


def _life(component: str, life: Life) -> str:
    flat = "flat" if life.is_flat else "**grows**"
    files = f"{life.middle.files} | {life.last.files}"
    memory = f"{life.middle.mib:.0f} | {life.last.mib:.0f} | {life.slope:+.0f}"
    return f"| {component} | {life.seconds:.0f} | {memory} | {files} | {flat} |"


def _faults(seen: Seen) -> str:
    if not seen.faults:
        return ""
    return "## Faults\n\n" + "\n".join(f"- {fault}" for fault in seen.faults) + "\n\n"
