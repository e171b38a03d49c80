"""This project as it is used: the real gateway before the real model server, both as processes."""

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import httpx

from tests.bench.child import Reading, line_of
from tests.bench.engines import Engine
from tests.bench.environments import NotMeasuredError
from tests.bench.measure import Stored, by_work
from tests.bench.results import Measured

READY_SECONDS = 120.0
CLIENTS_PER_CORE = 2  # so that a page waits whenever a core becomes free


@dataclass(frozen=True, slots=True)
class Stack:
    """The two programs, and a client of the gateway."""

    pids: tuple[int, int]
    client: httpx.Client

    def read(self, page: Stored) -> Reading:
        """One page through HTTP; a refusal is a reading with an error."""
        start = time.perf_counter()
        try:
            answer = self.client.post("/v1/ocr", content=page.path.read_bytes())
        except httpx.TransportError as error:
            return Reading(error=f"{type(error).__name__}: {error}")
        seconds = time.perf_counter() - start
        if answer.status_code != httpx.codes.OK:
            return Reading(error=f"{answer.status_code} {answer.text[:200]}")
        lines = tuple(line_of(line) for part in answer.json()["pages"] for line in part["lines"])
        return Reading(lines, seconds=seconds)

    def cpu_seconds(self) -> float:
        """What both programs have used so far."""
        ticks = 0
        for pid in self.pids:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])  # utime and stime, proc(5)
        return ticks / os.sysconf("SC_CLK_TCK")

    def peak_rss(self) -> int:
        """The sum of their peaks, in bytes."""
        peaks = (re.findall(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text()) for pid in self.pids)
        return sum(1024 * int(peak) for (peak,) in peaks)


def run_stack(engine: Engine, pages: Sequence[Stored], cores: Sequence[int], log: Path) -> Measured:
    """As many clients as keep all cores busy, then one client.

    Raises:
        NotMeasuredError: the programs do not become ready.
    """
    ordered = by_work(pages)
    with running(str(engine.options["model"]), len(cores), log) as stack:
        stack.read(ordered[-1])
        start, cpu_before = time.perf_counter(), stack.cpu_seconds()
        with ThreadPoolExecutor(CLIENTS_PER_CORE * len(cores)) as pool:
            readings = list(pool.map(stack.read, ordered))
        seconds, cpu_seconds = time.perf_counter() - start, stack.cpu_seconds() - cpu_before
        peak_rss = stack.peak_rss()
        latencies = [reading.seconds for page in pages if not (reading := stack.read(page)).error]
    by_name = {page.page.name: reading for page, reading in zip(ordered, readings, strict=True)}
    return Measured(by_name, seconds, cpu_seconds, latencies, peak_rss)


@contextmanager
def running(model: str, threads: int, log: Path) -> Iterator[Stack]:
    """Gateway and model server on free ports, ready; their output goes to the log.

    Raises:
        NotMeasuredError: they do not become ready.
    """
    server_port, door_port = free_ports(2)
    with tempfile.TemporaryDirectory() as folder, log.open("ab") as output:
        (Path(folder) / "models").write_text(f"127.0.0.1:{server_port}\n")
        serve = ["serve", "--port", str(server_port), "--model", model, "--threads", str(threads)]
        flags = ["--port", str(door_port), "--upstream", "models:80", "--request-timeout-seconds", "300"]
        server = _program("ocr_modelserver", serve, {}, output)
        door = _program("ocr_gateway", flags, {"OCR_ENDPOINTS_DIR": folder}, output)
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{door_port}", timeout=300) as client:
                _wait(client, (server, door), log)
                yield Stack((server.pid, door.pid), client)
        finally:
            for process in (door, server):
                process.kill()
                process.wait()


def _program(
    module: str, flags: list[str], env: dict[str, str], output: IO[bytes]
) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", module, *flags]
    return subprocess.Popen(command, env={**os.environ, **env}, stdout=output, stderr=output)


def _wait(client: httpx.Client, programs: Sequence["subprocess.Popen[bytes]"], log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not _ready(client):
        ended = any(program.poll() is not None for program in programs)
        if ended or time.monotonic() > deadline:
            last = log.read_text(errors="replace").strip().splitlines()[-1:]
            raise NotMeasuredError(f"gateway and model server do not become ready: {' '.join(last)[:300]}")
        time.sleep(0.2)


def _ready(client: httpx.Client) -> bool:
    try:
        return client.get("/readyz").status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def free_ports(count: int) -> list[int]:
    """Ports of loopback that were free a moment ago."""
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [int(listener.getsockname()[1]) for listener in listeners]
    finally:
        for listener in listeners:
            listener.close()
