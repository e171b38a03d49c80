"""The operator as a child process."""

import json
import signal
import sys
from pathlib import Path
from typing import Any, Self

import httpx

from tests.cluster.controlplane import free_ports
from tests.cluster.processes import Child, start, tail, wait_for

ROOT = Path(__file__).parents[2]
OPERANDS = ROOT / "charts/ocr-operator/files/operands.yaml"
END_SECONDS = 45.0


class Running:
    """An operator that was started, whoever did it and how; ended by `stop` or `kill`."""

    def __init__(self, child: Child, url: str) -> None:
        """`url` is that of its health server."""
        self.url = url
        self._child = child
        self.log = child.log

    @property
    def pid(self) -> int:
        """The process."""
        return self._child.process.pid

    def ended(self, seconds: float = 90.0) -> int:
        """Its exit status, once it has one."""
        return self._child.process.wait(seconds)

    def kill(self) -> None:
        """kill -9."""
        self._child.process.kill()
        self._child.process.wait()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, if it has not ended."""
        if self.running():
            self._child.process.send_signal(number)

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        self.signal(signal.SIGTERM)
        return self.ended(END_SECONDS)

    def running(self) -> bool:
        """Whether it has not ended."""
        return self._child.process.poll() is None

    def get(self, path: str) -> httpx.Response:
        """An answer of its health server."""
        return httpx.get(f"{self.url}{path}", timeout=5)

    def answers(self, path: str) -> int:
        """The status of a path of its health server; 0 while it does not listen."""
        try:
            return self.get(path).status_code
        except httpx.TransportError:
            return 0

    def ready(self, seconds: float = 90.0) -> Self:
        """Itself, once it says that it is ready."""
        wait_for("the operator is ready", lambda: self.answers("/readyz") == 200, seconds, [self._child])
        return self

    def metric(self, family: str, /, **labels: str) -> float:
        """The sum of the samples of a metric that have these labels."""
        wanted = [f'{label}="{value}"' for label, value in labels.items()]
        lines = self.get("/metrics").text.splitlines()
        samples = [line for line in lines if line.startswith((f"{family} ", f"{family}{{"))]
        matching = [line for line in samples if all(each in line for each in wanted)]
        return sum(float(line.rpartition(" ")[2]) for line in matching)

    def said(self) -> str:
        """The end of its log."""
        return tail(self.log, 40)


class Operator(Running):
    """`ocr-operator run` on namespaces of its own, with settings that its command line does not have."""

    def __init__(self, kubeconfig: Path, folder: Path, namespace: str, **settings: Any) -> None:
        """Start it; `settings` are fields of Config."""
        (port,) = free_ports(1)
        given = {
            "kubeconfig": str(kubeconfig),
            "operands": str(OPERANDS),
            "namespaces": [namespace],
            "identity": f"operator-{port}",
            "lease_namespace": namespace,
            "health_host": "127.0.0.1",
            "health_port": port,
            "discovery_seconds": 0.5,
        }
        command = [sys.executable, str(Path(__file__).with_name("run_operator.py"))]
        child = start(f"operator-{port}", [*command, json.dumps(given | settings)], folder)
        super().__init__(child, f"http://127.0.0.1:{port}")
