"""Programs that take a while."""

import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence

from tests.cluster.errors import ClusterError
from tests.cluster.gobuild import Say

PROGRESS_SECONDS = 10.0
TAIL_LINES = 15


def run(command: Sequence[str], what: str, say: Say, environment: Mapping[str, str] | None = None) -> str:
    """Run a command, say every few seconds that it still runs, and return what it printed.

    Raises ClusterError with its last lines when it fails.
    """
    say(what)
    started = time.monotonic()
    with (
        tempfile.TemporaryFile("w+", errors="replace") as log,
        subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env=environment
        ) as process,
    ):
        while process.poll() is None:
            try:
                process.wait(PROGRESS_SECONDS)
            except subprocess.TimeoutExpired:
                say(f"{what}: {time.monotonic() - started:.0f} s")
        log.seek(0)
        printed = log.read()
    if process.returncode:
        end = "\n".join(printed.splitlines()[-TAIL_LINES:])
        raise ClusterError(f"{what}: {command[0]} ended with status {process.returncode}:\n{end}")
    return printed
