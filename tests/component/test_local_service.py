"""The real gateway and model servers without a cluster."""

from __future__ import annotations

import os
import signal
import ssl
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.local.run import SECONDS, Run, free_port
from tests.unit.access_kit import certificate

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "examples" / "sample.png"
TOTAL = "Total: 110.00 EUR"
PROTECTED = """
apiVersion: v1
kind: Secret
metadata: {{name: keys}}
stringData: {{accounting: 0123456789abcdef}}
---
apiVersion: v1
kind: Secret
metadata: {{name: web}}
type: kubernetes.io/tls
stringData:
  tls.crt: |
{chain}  tls.key: |
{key}---
apiVersion: kubeocr.dev/v1alpha1
kind: OCRService
metadata: {{name: invoices}}
spec:
  model: {{name: fast}}
  modelServer: {{replicas: 1}}
  gateway:
    replicas: 1
    limits: {{ratePerClient: {{requestsPerSecond: 2, burst: 10}}}}
    auth: {{type: APIKey, secretRef: {{name: keys}}}}
    tls: {{secretRef: {{name: web}}}}
"""


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


def indented(pem: bytes) -> str:
    return "".join(f"    {line}\n" for line in pem.decode().splitlines())


def test_keys_tls_and_a_rate_protect_a_service_without_a_cluster(tmp_path: Path, port: int) -> None:
    chain, key = certificate()
    manifest = tmp_path / "protected.yaml"
    manifest.write_text(PROTECTED.format(chain=indented(chain), key=indented(key)))
    program = Path(sys.executable).with_name("ocr-operator")
    run = Run(tmp_path, program, "local", "-f", manifest, "--gateway-port", str(port))
    try:
        run.until(lambda: f"https://127.0.0.1:{port}" in run.printed and " Serving " in run.printed)
        trusting = ssl.create_default_context(cadata=chain.decode())
        with httpx.Client(base_url=f"https://127.0.0.1:{port}", verify=trusting, timeout=SECONDS) as client:
            headers = {"accept": "text/plain"}
            assert client.post("/v1/ocr", content=SAMPLE.read_bytes(), headers=headers).status_code == 401
            headers["x-api-key"] = "0123456789abcdef"
            assert TOTAL in client.post("/v1/ocr", content=SAMPLE.read_bytes(), headers=headers).text
            statuses = {client.get("/v2", headers=headers).status_code for _ in range(40)}
            assert statuses == {200, 429}
            new = {"x-api-key": "fedcba9876543210"}
            assert client.get("/v2", headers=new).status_code == 401
            manifest.write_text(manifest.read_text().replace("0123456789abcdef", "fedcba9876543210"))
            run.until(lambda: client.get("/v2", headers=new).status_code == 200)
    finally:
        run.process.terminate()
        assert run.process.wait(SECONDS) == 0, run.printed
    assert "ended with exit code" not in run.printed


def test_the_demo_shows_the_samples_text_and_leaves_nothing(tmp_path: Path) -> None:
    demo = Run(tmp_path, sys.executable, ROOT / "examples" / "demo.py")
    assert demo.process.wait(3 * SECONDS) == 0, demo.printed
    assert TOTAL in demo.printed
    assert demo.children() == []
    assert not list(tmp_path.glob("kubeocr-*"))
