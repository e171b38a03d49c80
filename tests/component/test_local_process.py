"""`ocr-operator local` as a process: what it says when it can't start, and what it leaves when it ends."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.local.run import SECONDS, Run, free_port

MANIFEST = """\
apiVersion: kubeocr.dev/v1alpha1
kind: OCRService
metadata: {name: invoices}
"""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Run]]:
    runs: list[Run] = []

    def run(
        manifest: str = MANIFEST, port: int | None = None, output: int | None = None, **environment: str
    ) -> Run:
        folder = tmp_path / str(len(runs))
        folder.mkdir()
        file = folder / "services.yaml"
        file.write_text(manifest)
        host = (sys.executable, "-m", "tests.local.host", file, str(port or free_port()))
        runs.append(Run(folder, *host, environment=environment, pipe=output))
        return runs[-1]

    yield run
    for started in runs:
        started.process.kill()
        started.process.wait()
        # Only what a failed test has left.
        for pid in started.children():
            os.kill(pid, signal.SIGKILL)


Start = Callable[..., Run]


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
    assert "files of model balanced are missing" in line
    assert "fetch-models --model balanced" in line


def test_a_reader_that_goes_ends_everything(start: Start) -> None:
    reading, writing = os.pipe()
    run = start(output=writing)
    os.close(writing)
    run.until(lambda: len(run.children()) == 4)
    os.close(reading)
    assert run.process.wait(SECONDS) == 0
    assert run.children() == []
