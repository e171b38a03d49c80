"""The programs under measurement, as processes that end with the block."""

import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.stack import free_ports

READY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Program:
    """A running program and where it listens."""

    pid: int
    port: int

    @property
    def url(self) -> str:
        """Its root."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def cpu_seconds(self) -> float:
        """What it has used so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")  # proc(5)

    @property
    def rss_mib(self) -> float:
        """Its resident memory now."""
        return self._kibibytes("status", "VmRSS") / 1024

    @property
    def pss_mib(self) -> float:
        """Its resident memory now, pages that it shares counted in part."""
        return self._kibibytes("smaps_rollup", "Pss") / 1024

    @property
    def peak_rss_mib(self) -> float:
        """The most resident memory it ever had."""
        return self._kibibytes("status", "VmHWM") / 1024

    def _kibibytes(self, file: str, name: str) -> int:
        text = Path(f"/proc/{self.pid}/{file}").read_text()
        (found,) = re.findall(rf"^{name}:\s+(\d+)", text, re.MULTILINE)
        return int(found)


@contextmanager
def empty_servers(count: int) -> Iterator[list[Program]]:
    """Model servers with an empty pipeline."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(_running(["tests.bench.gateway.empty_server", "{port}"], "/v2/health/ready"))
            for _ in range(count)
        ]


@contextmanager
def empty_peer(python: Path) -> Iterator[Program]:
    """RapidOCRAPI with an empty pipeline, in its own environment."""
    script = str(Path(__file__).with_name("empty_peer.py"))
    with _started([str(python), script, "{port}"], "/") as program:
        yield program


@contextmanager
def model_server(model: str, threads: int) -> Iterator[Program]:
    """The real model server."""
    flags = ["serve", "--port", "{port}", "--model", model, "--threads", str(threads)]
    with _running(["ocr_modelserver", *flags], "/v2/health/ready") as program:
        yield program


@contextmanager
def gateway(servers: Sequence[Program], *flags: str) -> Iterator[Program]:
    """The real gateway in front of model servers."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "models").write_text("".join(f"127.0.0.1:{server.port}\n" for server in servers))
        command = ["ocr_gateway", "--port", "{port}", "--upstream", "models:80", *flags]
        with _running(command, "/readyz", {"OCR_ENDPOINTS_DIR": folder}) as program:
            yield program


def _running(
    module: Sequence[str], ready: str, environment: Mapping[str, str] | None = None
) -> AbstractContextManager[Program]:
    return _started([sys.executable, "-m", *module], ready, environment)


@contextmanager
def _started(
    command: Sequence[str], ready: str, environment: Mapping[str, str] | None = None
) -> Iterator[Program]:
    (port,) = free_ports(1)
    process = subprocess.Popen(
        [part.format(port=port) for part in command],
        env={**os.environ, **(environment or {})},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(process, f"http://127.0.0.1:{port}{ready}", shlex.join(command))
        yield Program(process.pid, port)
    finally:
        process.kill()
        process.wait()


def _wait(process: "subprocess.Popen[bytes]", url: str, name: str) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - loopback
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    raise RuntimeError(f"{name} does not become ready")
