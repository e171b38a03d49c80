"""A real gateway before a real model server, both as processes."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.cluster.processes import Child, wait_for
from tests.local.run import free_port

PROGRAMS = Path(sys.executable).parent
READY_SECONDS = 120.0
END_SECONDS = 30.0


@dataclass(frozen=True)
class Service:
    """Where both programs answer, and their logs."""

    url: str
    model_server: str
    folder: Path


@contextmanager
def service(folder: Path, *flags: str, **environment: str) -> Iterator[Service]:
    """The two, once they read; `flags` are the gateway's, `environment` is both's."""
    behind, door = free_port(), free_port()
    upstream = f"127.0.0.1:{behind}"
    commands = (
        ("ocr-modelserver", "--port", str(behind), "--threads", "1"),
        ("ocr-gateway", "--port", str(door), "--upstream", upstream, *flags),
    )
    with ExitStack() as stack:
        children = [stack.enter_context(_child(folder, command, environment)) for command in commands]
        url = f"http://127.0.0.1:{door}/"
        wait_for("the service is ready", lambda: _ready(url), READY_SECONDS, children)
        yield Service(url, f"http://{upstream}/", folder)


@contextmanager
def _child(folder: Path, command: Sequence[str], environment: Mapping[str, str]) -> Iterator[Child]:
    log = folder / f"{command[0]}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [PROGRAMS / command[0], *command[1:]],
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment},
        )
    child = Child(command[0], log, process)
    try:
        yield child
    finally:
        child.stop(END_SECONDS)


def _ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}readyz").status_code == httpx.codes.OK
    except httpx.TransportError:
        return False
