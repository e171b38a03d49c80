"""A program under test as a process, and all that it starts."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

SECONDS = 60
NOTHING: Mapping[str, str] = MappingProxyType({})


class Run:
    """The program, and the folder that every process of its family names in its environment."""

    def __init__(
        self,
        folder: Path,
        *command: str | Path,
        environment: Mapping[str, str] = NOTHING,
        pipe: int | None = None,
    ) -> None:
        """Start `command` with its output in `folder`, or in a pipe."""
        self.folder = folder
        self.output = folder / "output"
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output if pipe is None else pipe,
                stderr=subprocess.STDOUT,
                env={**os.environ, **environment, "TMPDIR": str(folder)},
            )

    @property
    def printed(self) -> str:
        """All that it wrote."""
        return self.output.read_text()

    def children(self) -> list[int]:
        """Living processes with our folder in their environment, but for the program itself."""
        mark = f"TMPDIR={self.folder}".encode()
        found = []
        for path in Path("/proc").glob("[0-9]*"):
            try:
                ours = mark in (path / "environ").read_bytes().split(b"\0")
                zombie = "\nState:\tZ" in (path / "status").read_text()
            except OSError:
                continue
            if ours and not zombie and int(path.name) != self.process.pid:
                found.append(int(path.name))
        return found

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait until it holds."""
        deadline = time.monotonic() + SECONDS
        while not condition():
            assert time.monotonic() < deadline, f"not so after {SECONDS} s; it printed:\n{self.printed}"
            time.sleep(0.05)

    def until_ready(self) -> None:
        """Wait until the table shows two of two model servers and gateways."""
        self.until(lambda: any(line.split()[4:6] == ["2/2", "2/2"] for line in self.printed.splitlines()))


def free_port() -> int:
    """A loopback port that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
