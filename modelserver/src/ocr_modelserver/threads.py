"""How many threads this process may really run: the container's limit, never the host's number of cores."""

import math
import os
from pathlib import Path


def available_cpus(root: Path = Path("/"), affinity: int | None = None) -> int:
    """Whole CPUs, at least 1: the cgroup's limit rounded up, but not more than the CPU affinity allows.

    `root` and `affinity` (number of CPUs) are for tests.
    """
    usable = affinity if affinity is not None else len(os.sched_getaffinity(0))
    limits = [limit for limit in (_limit_v2(root), _limit_v1(root)) if limit is not None]
    return max(1, min([usable, *(math.ceil(limit) for limit in limits)]))


def _limit_v2(root: Path) -> float | None:
    # In a container the process sees its own cgroup as the root of the hierarchy.
    quota, _, period = _read(root / "sys/fs/cgroup/cpu.max").partition(" ")
    return _ratio(quota, period)


def _limit_v1(root: Path) -> float | None:
    folder = root / "sys/fs/cgroup/cpu"
    return _ratio(_read(folder / "cpu.cfs_quota_us"), _read(folder / "cpu.cfs_period_us"))


def _ratio(quota: str, period: str) -> float | None:
    """None for no limit: v2 says "max", v1 says -1, and without a controller there is no file."""
    if not quota.isdigit() or not period.isdigit() or int(period) == 0:
        return None
    return int(quota) / int(period)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return ""
