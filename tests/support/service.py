"""A real gateway before a real model server, both as processes."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

from tests.cluster.processes import Child, wait_for
from tests.local.run import free_port

PROGRAMS = Path(sys.executable).parent
READY_SECONDS = 60.0
END_SECONDS = 10.0


@contextmanager
def service(folder: Path) -> Iterator[str]:
    """Its URL, once it reads; their logs are in the folder."""
    behind, door = free_port(), free_port()
    with ExitStack() as stack:
        children = [
            stack.enter_context(_child(folder, "ocr-modelserver", "--port", str(behind), "--threads", "1")),
            stack.enter_context(
                _child(folder, "ocr-gateway", "--port", str(door), "--upstream", f"127.0.0.1:{behind}")
            ),
        ]
        url = f"http://127.0.0.1:{door}/"
        wait_for("the service is ready", lambda: _ready(url), READY_SECONDS, children)
        yield url


@contextmanager
def _child(folder: Path, *command: str) -> Iterator[Child]:
    log = folder / f"{command[0]}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [PROGRAMS / command[0], *command[1:]], stdout=output, stderr=subprocess.STDOUT
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
