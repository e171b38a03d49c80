"""The control groups of a node: every process of it, pods included, is in one tree, so none is ever lost.

Works on cgroup v1 (a tree in each hierarchy) and v2 (one tree).
"""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tests.cluster.errors import ClusterError
from tests.cluster.processes import kill, wait_for

MOUNT = Path("/sys/fs/cgroup")
OWN = "system"  # the group of the node's own programs, beside the kubelet's groups of pods
KILL_SECONDS = 30.0


def create(name: str) -> None:
    """Create the tree; raise ClusterError where this machine doesn't allow it."""
    for hierarchy in _hierarchies():
        for group in (hierarchy / name, hierarchy / name / OWN):
            try:
                group.mkdir(exist_ok=True)
                # On v1 a new group has neither processors nor memory until it is given some.
                for setting in ("cpuset.cpus", "cpuset.mems") if hierarchy.name == "cpuset" else ():
                    (group / setting).write_text((group.parent / setting).read_text())
            except OSError as error:
                raise ClusterError(
                    f"a node needs a machine that lets it create control groups: {error}"
                ) from error


def join(name: str, pid: int) -> None:
    """Put a process, and with it all that it will start, into the tree; one that has ended is let be."""
    hierarchies = _hierarchies()
    tracking = next((each for each in hierarchies if each.name == "pids"), hierarchies[0])
    with suppress(ProcessLookupError):
        (tracking / name / OWN / "cgroup.procs").write_text(str(pid))


def members(name: str) -> set[int]:
    """The ids of all processes in the tree."""
    found: set[int] = set()
    for group in _groups(name):
        try:
            found.update(int(pid) for pid in (group / "cgroup.procs").read_text().split())
        except OSError:  # the group went away meanwhile
            continue
    return found


def remove(name: str) -> None:
    """Kill every process in the tree, then delete the tree; nothing happens if there is none."""
    wait_for(f"no process is left in control group {name}", lambda: _killed(name), KILL_SECONDS)
    wait_for(f"control group {name} is gone", lambda: _deleted(name), KILL_SECONDS)


def _killed(name: str) -> bool:
    pids = members(name)
    for pid in pids:
        kill(pid, signal.SIGKILL)
    return not pids


def _deleted(name: str) -> bool:
    for group in _groups(name):
        try:
            group.rmdir()
        except OSError:  # busy for a moment after the last process ended
            return False
    return True


def _groups(name: str) -> Iterator[Path]:
    """All groups of the tree, the deepest first."""
    for hierarchy in _hierarchies():
        for folder, _, _ in os.walk(hierarchy / name, topdown=False):
            yield Path(folder)


def _hierarchies() -> list[Path]:
    if (MOUNT / "cgroup.controllers").exists():
        return [MOUNT]
    names = (path for path in MOUNT.iterdir() if not path.is_symlink())
    return sorted(path for path in names if (path / "cgroup.procs").exists())
