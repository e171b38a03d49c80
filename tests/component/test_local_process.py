"""`ocr-operator local` as a process: what it says when it can't start, and what it leaves when it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

SECONDS = 20
MANIFEST = """\
apiVersion: kubeocr.dev/v1alpha1
kind: OCRService
metadata: {name: invoices}
"""


class Run:
    """The program, and the folder that every process of its family names in its environment."""

    def __init__(self, folder: Path, manifest: str, port: int, environment: dict[str, str]) -> None:
        self.folder = folder
        self.file = folder / "services.yaml"
        self.file.write_text(manifest)
        self.output = folder / "output"
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.local.host", self.file, str(port)],
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **environment, "TMPDIR": str(folder)},
            )

    @property
    def printed(self) -> str:
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
        deadline = time.monotonic() + SECONDS
        while not condition():
            assert time.monotonic() < deadline, f"not so after {SECONDS} s; it printed:\n{self.printed}"
            time.sleep(0.05)

    def until_ready(self) -> None:
        self.until(lambda: any(line.split()[4:6] == ["2/2", "2/2"] for line in self.printed.splitlines()))


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Run]]:
    runs: list[Run] = []

    def run(manifest: str = MANIFEST, port: int | None = None, **environment: str) -> Run:
        folder = tmp_path / str(len(runs))
        folder.mkdir()
        runs.append(Run(folder, manifest, port or free_port(), environment))
        return runs[-1]

    yield run
    for run_ in runs:
        run_.process.kill()
        run_.process.wait()


Start = Callable[..., Run]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_everything_and_leaves_no_file(start: Start, number: signal.Signals) -> None:
    run = start()
    run.until_ready()
    assert len(run.children()) == 4
    run.process.send_signal(number)
    assert run.process.wait(SECONDS) == 0
    assert run.children() == []
    assert sorted(path.name for path in run.folder.iterdir()) == ["output", "services.yaml"]


def test_a_killed_parent_leaves_no_process(start: Start) -> None:
    run = start()
    run.until_ready()
    run.process.kill()
    run.process.wait(SECONDS)
    run.until(lambda: run.children() == [])


def test_a_second_signal_does_not_wait_for_programs_that_hang(start: Start) -> None:
    run = start()
    run.until_ready()
    for pid in run.children():
        os.kill(pid, signal.SIGSTOP)
    run.process.terminate()
    run.until(lambda: any("ending" in line for line in run.printed.splitlines()))
    run.process.terminate()
    assert run.process.wait(SECONDS) == -signal.SIGTERM
    run.until(lambda: run.children() == [])


def test_a_port_in_use_is_one_clear_line_and_status_1(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        run = start(port=port)
        assert run.process.wait(SECONDS) == 1
    (line,) = run.printed.splitlines()
    assert line.startswith(f"ocr-operator local: port {port} of 127.0.0.1 is in use; stop what")


def test_a_manifest_without_a_service_is_one_clear_line_and_status_1(start: Start) -> None:
    run = start("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")
    assert run.process.wait(SECONDS) == 1
    assert len(run.printed.splitlines()) == 1
    assert "no OCRService in it" in run.printed


def test_missing_model_files_are_one_clear_line_with_the_command_that_fetches_them(start: Start) -> None:
    run = start(MODELS="not fetched")
    assert run.process.wait(SECONDS) == 1
    (line,) = run.printed.splitlines()
    assert "files of model ppocrv6-small are missing" in line
    assert "fetch-models --model ppocrv6-small" in line
