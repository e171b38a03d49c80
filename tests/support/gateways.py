"""Real gateways at the addresses of a service's gateway pods, before doubles of its model servers.

Where no kubelet runs, this is its part: pods get ready, have an address, and find their mounted files.
"""

import asyncio
import os
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx

from ocr_operator.desired.deployment import PORT
from ocr_operator.models.manifest import CONFIG_MAP, POD
from ocr_operator.models.names import COMPONENT_LABEL, GATEWAY, SLOTS, TRAFFIC
from tests.cluster.processes import Child, start, wait_for
from tests.support.api import Api
from tests.support.gateway_program import PROGRAM
from tests.unit.gateway_kit import ModelServer, model_server

COUNT = 2


class Gateways:
    """Two gateways of a service, each with files of its own."""

    def __init__(self, kube: Api, service: str, folder: Path, servers: dict[str, ModelServer]) -> None:
        self._kube = kube
        self._service = service
        self._folder = folder
        self.servers = servers
        self.children: list[Child] = []
        # All of 127/8 is this machine's: addresses that no other test run has.
        self._addresses = [
            f"127.{os.getpid() % 250 + 1}.{os.getpid() // 250 % 250}.{n + 1}" for n in range(COUNT)
        ]

    def start(self) -> None:
        """Once their file is there; returns when they are ready."""
        endpoints = self._folder / "endpoints"
        endpoints.mkdir()
        for slot, server in self.servers.items():
            (endpoints / f"{self._service}-{slot}").write_text(f"127.0.0.1:{server.port}\n")
        self.sync()
        for number, address in enumerate(self._addresses):
            flags = ("--host", address, "--port", str(PORT), "--traffic-file", str(self._file(number)))
            command = ["env", f"OCR_ENDPOINTS_DIR={endpoints}", str(PROGRAM), *flags]
            self.children.append(start(f"gateway-{number}", command, self._folder))
        for address in self._addresses:
            wait_for("the gateway is ready", lambda a=address: self._ready(a), 60, self.children)

    def stop(self) -> None:
        """End them."""
        for child in self.children:
            child.stop(5)

    def run_pods(self) -> None:
        """Every pod runs and is ready; gateways have their address."""
        self._kube.run_pods()
        pods = [
            p for p in self._kube.pods(self._service) if p["metadata"]["labels"][COMPONENT_LABEL] == GATEWAY
        ]
        for pod, address in zip(
            sorted(pods, key=lambda p: str(p["metadata"]["name"])), self._addresses, strict=False
        ):
            status = {"podIP": address, "podIPs": [{"ip": address}]}
            self._kube.patch(POD, pod["metadata"]["name"], {"status": status}, "/status")

    def sync(self, *numbers: int) -> None:
        """The mounted file of these gateways is what the ConfigMap says; of all when none is named."""
        found: dict[str, Any] | None = self._kube.get(CONFIG_MAP, TRAFFIC)
        assert found is not None
        for number in numbers or range(COUNT):
            new = self._file(number).with_suffix(".new")
            new.write_text(found["data"][self._service])
            new.replace(self._file(number))

    def read(self, page: bytes, number: int) -> list[int]:
        """Statuses of so many requests, the gateways in turn."""
        return [
            httpx.post(
                f"http://{self._addresses[n % COUNT]}:{PORT}/v1/ocr", content=page, timeout=30
            ).status_code
            for n in range(number)
        ]

    def _file(self, number: int) -> Path:
        return self._folder / f"traffic-{number}.json"

    @staticmethod
    def _ready(address: str) -> bool:
        try:
            return httpx.get(f"http://{address}:{PORT}/readyz").status_code == httpx.codes.OK
        except httpx.TransportError:
            return False


@contextmanager
def doubles() -> Iterator[dict[str, ModelServer]]:
    """A double of a model server for each slot, in a thread of their own."""
    made: Future[dict[str, ModelServer]] = Future()
    loop, over = asyncio.new_event_loop(), asyncio.Event()

    async def serve() -> None:
        async with AsyncExitStack() as stack:
            made.set_result({slot: await stack.enter_async_context(model_server()) for slot in SLOTS})
            await over.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    try:
        yield made.result(30)
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(30)
        loop.close()
