"""Memory and open files of pods while they live, and whether they grow."""

from __future__ import annotations

import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median

from tests.cluster import cgroups
from tests.cluster.node import Node

EVERY_SECONDS = 2.0
# A pod that lived shorter tells nothing: it was still warming up.
LEAST_SECONDS = 120.0
# What the last third of a pod's life may have more than the middle one: in part, and besides. A gateway's
# process for a PDF has 20 MiB, and there are several or none.
GROWTH, SLACK_MIB, SLACK_FILES = 1.05, 16.0, 8
UID = re.compile(r"/pod([0-9a-f-]{36})")
HOST_NAME = re.compile(rb"(?:^|\0)HOSTNAME=([^\0]+)")


@dataclass(frozen=True)
class Sample:
    """One pod at a time: seconds of the run, memory of its own (anonymous, resident) in MiB, open files."""

    at: float
    mib: float
    files: int


@dataclass(frozen=True)
class Life:
    """A pod's samples in thirds: the first warms up, the others are compared."""

    pod: str
    seconds: float
    middle: Sample
    last: Sample
    slope: float

    @property
    def is_flat(self) -> bool:
        """Whether it grew by less than noise."""
        return (
            self.last.mib <= GROWTH * self.middle.mib + SLACK_MIB
            and self.last.files <= self.middle.files + SLACK_FILES
        )


def lives(found: Mapping[str, Sequence[Sample]], names: str) -> list[Life]:
    """What there is to tell of the pods whose name begins so."""
    told = (life(pod, samples) for pod, samples in sorted(found.items()) if re.match(names, pod))
    return [each for each in told if each]


def life(pod: str, samples: Sequence[Sample]) -> Life | None:
    """What a pod's samples tell, each third as its median; `slope` in MiB an hour, without the first third.

    None when it did not live long enough.
    """
    if len(samples) < 6 or samples[-1].at - samples[0].at < LEAST_SECONDS:
        return None
    third = len(samples) // 3
    _, middle, last = samples[:third], samples[third : 2 * third], samples[2 * third :]
    return Life(
        pod,
        samples[-1].at - samples[0].at,
        _median(middle),
        _median(last),
        _slope(samples[third:]) * 3600,
    )


def _median(samples: Sequence[Sample]) -> Sample:
    return Sample(
        median(each.at for each in samples),
        median(each.mib for each in samples),
        round(median(each.files for each in samples)),
    )


def _slope(samples: Sequence[Sample]) -> float:
    """MiB a second, by least squares."""
    at, mib = fmean(each.at for each in samples), fmean(each.mib for each in samples)
    spread = sum((each.at - at) ** 2 for each in samples)
    return sum((each.at - at) * (each.mib - mib) for each in samples) / spread


@contextmanager
def sampled(node: Node) -> Iterator[Mapping[str, list[Sample]]]:
    """Samples by the name of each pod of the node, while the block runs."""
    found: defaultdict[str, list[Sample]] = defaultdict(list)
    over, started = threading.Event(), time.monotonic()

    def look() -> None:
        while not over.wait(EVERY_SECONDS):
            at = time.monotonic() - started
            for pod, pids in pods(cgroups.members(node.full_name)).items():
                found[pod].append(Sample(at, _sum(_own_mib, pids), round(_sum(_files, pids))))

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()


def pods(pids: set[int]) -> dict[str, list[int]]:
    """The processes of each pod, by the pod's name."""
    names: dict[str, str] = {}
    found: defaultdict[str, list[int]] = defaultdict(list)
    for pid in pids:
        try:
            group = UID.search(Path(f"/proc/{pid}/cgroup").read_text())
            name = HOST_NAME.search(Path(f"/proc/{pid}/environ").read_bytes())
        except OSError:  # it has ended
            continue
        if group:
            found[group[1]].append(pid)
            if name:
                names[group[1]] = name[1].decode()
    return {names[uid]: each for uid, each in found.items() if uid in names}


def _sum(measure: Callable[[int], float], pids: Sequence[int]) -> float:
    total = 0.0
    for pid in pids:
        try:
            total += measure(pid)
        except OSError:  # it has ended
            continue
    return total


def _own_mib(pid: int) -> float:
    """Memory that no file is behind: what allocators hold."""
    found = re.search(r"RssAnon:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1024 if found else 0.0


def _files(pid: int) -> float:
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
