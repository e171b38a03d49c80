"""Model servers come and go with the load, as metrics-server or the gateways tell it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.e2e.queuemetric import queue_metric
from tests.e2e.world import INVOICE, NAME, SENDERS, World, eventually
from tests.e2e.world import SPEC as SMALL

GATEWAY = SMALL["gateway"]
# Between pages that are no load: one in two seconds was enough to call for more pods on a busy machine.
PAUSE_SECONDS = 6
# Quick, so that a test can wait for it.
RATE = {"pods": 2, "periodSeconds": 15}
SPEC: dict[str, Any] = {
    "resources": {"requests": {"cpu": "200m", "memory": "256Mi"}, "limits": {"memory": "1Gi"}},
    "autoscaling": {
        "minReplicas": 1,
        "maxReplicas": 3,
        "metrics": [{"type": "CPU", "target": 60}],
        "behavior": {"scaleDownStabilizationSeconds": 0, "scaleUp": RATE, "scaleDown": RATE},
    },
}


def ready(service: World) -> int:
    """How many model servers take pages, by the status."""
    return next(each["ready"] for each in service.status()["components"] if each["name"] == "model-server")


def autoscaling(service: World) -> tuple[str, str]:
    """Status and reason of AutoscalingActive."""
    return service.conditions()["AutoscalingActive"]


def loads(service: World) -> int:
    """How often the load was written down."""
    return sum(
        event["verb"] == "update" and event["objectRef"].get("subresource") == "status"
        for event in service.node.audit_events()
        if event.get("objectRef", {}).get("resource") == "horizontalpodautoscalers"
        and event["objectRef"].get("namespace") == service.kubectl.namespace
    )


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("metrics_server")
def test_model_servers_come_and_go_with_the_load_and_no_request_fails(other: World) -> None:
    other.apply(modelServer=SPEC)
    other.settle()
    assert ready(other) == 1
    eventually(lambda: autoscaling(other)[0] == "True", "the load is known", 90)
    with other.traffic(1) as traffic:
        eventually(lambda: ready(other) == 3, "three model servers", 240)
    assert traffic.failures == []
    # A page now and then while they go.
    answers = []

    def calm() -> bool:
        answers.append(other.read().text.strip())
        time.sleep(PAUSE_SECONDS)
        return len(other.pods("model-server")) == 1

    eventually(calm, "one model server", 120)
    other.settle()
    assert set(answers) == {INVOICE.text}
    # The autoscaler changes the number of pods first, and says then that it is no longer at its maximum.
    eventually(lambda: autoscaling(other) == ("True", "Active"), "between its bounds")
    rests(other)


def scaled(**members: Any) -> dict[str, Any]:
    """Model servers with these members of autoscaling."""
    return {**SPEC, "autoscaling": {**SPEC["autoscaling"], **members}}


@pytest.mark.timeout(420)
def test_model_servers_come_and_go_with_the_pages_that_wait(other: World, tmp_path: Path) -> None:
    queue = scaled(maxReplicas=2, metrics=[{"type": "QueueDepth", "target": 1}])
    other.apply(modelServer=queue, gateway={**GATEWAY, "replicas": 1})
    other.settle()
    eventually(lambda: autoscaling(other) == ("False", "FailedGetObjectMetric"), "nobody tells the queue")
    with queue_metric(other, tmp_path):
        eventually(lambda: autoscaling(other)[0] == "True", "the queue is known", 90)
        with documents(other):
            eventually(lambda: ready(other) == 2, "two model servers", 120)
        eventually(lambda: len(other.pods("model-server")) == 1, "one model server", 120)


@contextmanager
def documents(service: World) -> Iterator[None]:
    """Several documents are being read at any time during the block."""
    page = Image.open(BytesIO(INVOICE.image)).convert("L")
    file, over, url = BytesIO(), Event(), f"{service.url}/v1/ocr"
    page.save(file, "tiff", save_all=True, append_images=[page] * 15, compression="tiff_deflate")

    def send() -> None:
        while not over.is_set():
            headers = {"content-type": "image/tiff", "accept": "text/plain"}
            httpx.post(url, content=file.getvalue(), headers=headers, timeout=90).raise_for_status()

    with ThreadPoolExecutor(SENDERS) as pool:
        sending = [pool.submit(send) for _ in range(SENDERS)]
        try:
            yield
        finally:
            over.set()
        for each in sending:
            each.result()


def rests(service: World) -> None:
    """The load changes with each look at it, and nobody writes the service for that."""
    before = service.kubectl.json("get", "ocrservice", NAME)["metadata"]["resourceVersion"]
    told = loads(service)

    def again() -> bool:
        service.read()
        time.sleep(PAUSE_SECONDS)
        return loads(service) >= told + 2

    eventually(again, "the load is written down")
    assert service.kubectl.json("get", "ocrservice", NAME)["metadata"]["resourceVersion"] == before
