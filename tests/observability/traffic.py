"""Work for an OCRService: pages that are read, what is refused, too many at once, a model server lost."""

from __future__ import annotations

import base64
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from tests.e2e import world
from tests.e2e.world import INVOICE, World, eventually
from tests.observability.monitoring import INTERVAL, Monitoring

# Two places where a page can be read; one gateway, so that jobs may be kept in its memory.
SPEC: dict[str, Any] = {
    "model": {"name": "fast"},
    "gateway": {**world.SPEC["gateway"], "replicas": 1, "jobs": {"store": "Memory"}},
    "observability": {"serviceMonitor": {"interval": INTERVAL}},
}
PNG = {"content-type": "image/png"}
PAGES = 60
CROWD = 60


def drive(service: World, observer: Monitoring) -> None:
    """All of it, and then on until it shows in rates over a minute."""
    with service.traffic(at_least=PAGES) as traffic, httpx.Client(base_url=service.url, timeout=60) as client:
        _read_otherwise(client)
        _refused(client)
    assert not traffic.failures, traffic.failures
    _crowd(service)
    observer.seen('ocr_gateway_upstream_requests_total{attempt="retry"} > 0')
    observer.seen('rate(ocr_gateway_rejected_total{reason="queue_full"}[1m]) > 0')
    service.settle()
    observer.follow()


def kill_a_model_server(service: World, pod: str | None = None) -> str:
    """End its process without a word, as the kernel does when memory runs out; the pod's name."""
    pod = pod or next(iter(service.pods("model-server")))
    (container,) = service.kubectl.json("get", "pod", pod)["status"]["containerStatuses"]
    name = container["containerID"].removeprefix("containerd://")
    service.node.ctr("tasks", "kill", "--signal=SIGKILL", name)
    return pod


def _read_otherwise(client: httpx.Client) -> None:
    """A page by the call of KServe's servers, and one as a job."""
    data = [base64.b64encode(INVOICE.image).decode()]
    tensor = {"name": "input-0", "shape": [1], "datatype": "BYTES", "data": data}
    for _ in range(5):
        client.post("/v2/models/ocr-model/infer", json={"inputs": [tensor]}).raise_for_status()
        job = client.post("/v1/jobs", content=INVOICE.image, headers=PNG).raise_for_status()
        client.get(job.headers["location"], params={"wait": 20}).raise_for_status()


def _refused(client: httpx.Client) -> None:
    """What clients do wrong, several times, so that it is a rate."""
    for _ in range(5):
        assert client.post("/v1/ocr", content=b"no picture", headers=PNG).is_client_error
        assert client.post("/v1/ocr", content=INVOICE.image, params={"output": "song"}).is_client_error
        assert client.post("/v1/nothing").status_code == httpx.codes.NOT_FOUND


def _crowd(service: World) -> None:
    """More clients at once than there is room for, and then one model server less.

    Some are told to come back later; what was on its way to the lost server goes to the other one.
    """
    url, seen, over = f"{service.url}/v1/ocr", set[int](), threading.Event()

    def send() -> None:
        while not over.is_set():
            seen.add(httpx.post(url, content=INVOICE.image, headers=PNG, timeout=60).status_code)

    wanted = {httpx.codes.OK, httpx.codes.SERVICE_UNAVAILABLE}
    with ThreadPoolExecutor(CROWD) as clients:
        senders = [clients.submit(send) for _ in range(CROWD)]
        try:
            eventually(lambda: wanted <= seen, "some are refused")
            kill_a_model_server(service)
        finally:
            over.set()
    for sender in senders:
        sender.result()
    assert seen == wanted
