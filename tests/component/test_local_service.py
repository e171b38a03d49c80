"""The real gateway and model servers without a cluster."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.local.run import SECONDS, Run, free_port

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "examples" / "sample.png"
TOTAL = "Total: 110.00 EUR"


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def run(tmp_path: Path, port: int) -> Iterator[Run]:
    manifest = ROOT / "examples" / "ocrservice.yaml"
    program = Path(sys.executable).with_name("ocr-operator")
    started = Run(tmp_path, program, "local", "-f", manifest, "--gateway-port", str(port))
    yield started
    started.process.terminate()
    assert started.process.wait(SECONDS) == 0, started.printed
    assert started.children() == []


def test_a_killed_model_server_costs_no_request(run: Run, port: int) -> None:
    run.until_ready()
    servers = [
        pid for pid in run.children() if b"ocr-modelserver" in Path("/proc", str(pid), "cmdline").read_bytes()
    ]
    assert len(servers) == 2
    url, headers = f"http://127.0.0.1:{port}/v1/ocr", {"accept": "text/plain"}

    def read(number: int) -> str:
        if number == 3:
            os.kill(servers[0], signal.SIGKILL)
        return httpx.post(url, content=SAMPLE.read_bytes(), headers=headers, timeout=SECONDS).text

    with ThreadPoolExecutor(2) as clients:
        texts = list(clients.map(read, range(12)))
    assert [TOTAL in text for text in texts] == [True] * 12, texts
    run.until(lambda: "ended with exit code 137" in run.printed)
    run.until_ready()


def test_the_demo_shows_the_samples_text_and_leaves_nothing(tmp_path: Path) -> None:
    demo = Run(tmp_path, sys.executable, ROOT / "examples" / "demo.py")
    assert demo.process.wait(3 * SECONDS) == 0, demo.printed
    assert TOTAL in demo.printed
    assert demo.children() == []
    assert not list(tmp_path.glob("kubeocr-*"))
