"""Child processes with a log file, a bounded wait for readiness and a bounded end."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.errors import ClusterError

POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Child:
    """A process that we started."""

    name: str
    log: Path
    process: subprocess.Popen[bytes]

    def check(self) -> None:
        """Raise ClusterError with the log's end if the process is no longer there."""
        if self.process.poll() is not None:
            status = self.process.returncode
            raise ClusterError(
                f"{self.name} ended with status {status}; the end of {self.log}:\n{tail(self.log)}"
            )

    def stop(self, seconds: float) -> None:
        """End the process: SIGTERM, after `seconds` SIGKILL. Nothing happens if it has ended."""
        self.process.terminate()
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start(
    name: str, command: Sequence[str], folder: Path, *, enter: Sequence[str] = (), leashed: bool = True
) -> Child:
    """Start a program that logs to NAME.log in the folder, in an environment without anything of the user's.

    - `enter` is a command prefix, such as `nsenter --net=...`.
    - A `leashed` process is killed by the kernel when the thread that started it ends, however it ends:
      start it from the main thread. One that is not leashed outlives us.
    """
    leash = ["setpriv", "--pdeathsig", "KILL", "--"] if leashed else []
    log = folder / f"{name}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*enter, *leash, *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            env=environment(folder),
            start_new_session=True,
        )
    return Child(name, log, process)


def environment(home: Path) -> dict[str, str]:
    """The environment of our programs: no KUBECONFIG, no proxy, no home folder of the user's."""
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"  # where a user's PATH ends early
    return {"PATH": path, "HOME": str(home), "LANG": "C.UTF-8"}


def tail(log: Path, lines: int = 12) -> str:
    """The last lines of a log."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


def wait_for(
    what: str, condition: Callable[[], bool], seconds: float, children: Sequence[Child] = ()
) -> None:
    """Return when the condition holds; raise ClusterError after `seconds` or when a child has ended."""
    deadline = time.monotonic() + seconds
    while not condition():
        for child in children:
            child.check()
        if time.monotonic() > deadline:
            logs = "".join(f"\n--- the end of {child.log}:\n{tail(child.log)}" for child in children)
            raise ClusterError(f"{what}: not so after {seconds:.0f} s{logs}")
        time.sleep(POLL_SECONDS)


def kill(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process that may have ended meanwhile."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
