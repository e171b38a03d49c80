"""What can be made to go wrong on the node, and be put right again."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from tests.cluster import images
from tests.cluster.dev import RELEASE
from tests.cluster.kubectl import Kubectl
from tests.e2e import world
from tests.e2e.platform import MISSING, Platform
from tests.e2e.world import NAME, World, eventually
from tests.observability.monitoring import API_VERSION, HIDDEN, INTERVAL, Monitoring
from tests.observability.traffic import PNG, SPEC, kill_a_model_server
from tests.support.drawing import encoded, page

KEYS = "keys"
GOOD_KEY, BAD_KEY = "k" * 32, "short"
# It answers nothing and costs little: one gateway that knows keys, and no model servers.
SPARE_SPEC: dict[str, Any] = {
    "modelServer": {"replicas": 0},
    "gateway": {
        **world.SPEC["gateway"],
        "replicas": 1,
        "auth": {"type": "APIKey", "secretRef": {"name": KEYS}},
    },
    "observability": {"serviceMonitor": {"interval": INTERVAL}},
}
CHANGED = SPARE_SPEC | {"observability": {"serviceMonitor": {"interval": "3s"}}}
STARVED = {
    "replicas": 1,
    "resources": {"requests": {"cpu": "50m", "memory": "256Mi"}, "limits": {"cpu": "200m", "memory": "1Gi"}},
    "runtime": {"maxQueue": 1},
}
CROWD = 16
PATIENCE_SECONDS = 20


@dataclass(frozen=True)
class Stage:
    """Where faults are caused: a service that works, and a spare one that nobody uses."""

    observer: Monitoring
    platform: Platform
    service: World
    spare: World


@contextmanager
def no_model_servers(stage: Stage) -> Iterator[None]:
    service = stage.service
    service.kubectl.run("scale", f"ocrservice/{NAME}", "--replicas=0")
    try:
        yield
    finally:
        service.kubectl.run("scale", f"ocrservice/{NAME}", "--replicas=2")
        service.settle()


@contextmanager
def version_that_is_nowhere(stage: Stage) -> Iterator[None]:
    stage.service.apply(**SPEC | {"model": {"name": "balanced"}, "version": MISSING})
    try:
        yield
    finally:
        stage.service.apply(**SPEC, version=images.version())
        stage.service.settle()


@contextmanager
def model_server_that_dies_again_and_again(stage: Stage) -> Iterator[None]:
    pod = kill_a_model_server(stage.service)
    eventually(lambda: stage.service.pods()[pod] == 1, "it is restarted at once")
    kill_a_model_server(stage.service, pod)
    try:
        yield
    finally:
        stage.service.settle()


@contextmanager
def too_little_cpu_for_many_clients(stage: Stage) -> Iterator[None]:
    service, over = stage.service, threading.Event()
    content = encoded(page([["a line of text that takes its time"] * 18]))
    url = f"{service.url}/v1/ocr"

    def send(_: int) -> None:
        with httpx.Client(timeout=PATIENCE_SECONDS) as client:
            while not over.is_set():
                try:
                    client.post(url, content=content, headers=PNG).raise_for_status()
                except httpx.HTTPError:
                    time.sleep(0.5)

    def crowd() -> None:
        service.settle()
        with ThreadPoolExecutor(CROWD) as clients:
            list(clients.map(send, range(CROWD)))

    service.apply(**SPEC | {"modelServer": STARVED})
    sending = threading.Thread(target=crowd, daemon=True)
    sending.start()
    try:
        yield
    finally:
        over.set()
        sending.join()
        service.apply(**SPEC)
        service.settle()


@contextmanager
def no_operator(stage: Stage) -> Iterator[None]:
    kubectl = stage.platform.kubectl
    kubectl.run("scale", f"deployment/{RELEASE}", "--replicas=0")
    try:
        yield
    finally:
        kubectl.run("scale", f"deployment/{RELEASE}", "--replicas=1")
        kubectl.run("rollout", "status", f"deployment/{RELEASE}", "--timeout=60s")


@contextmanager
def role_without_the_right_to_write_a_status(stage: Stage) -> Iterator[None]:
    kubectl = stage.platform.kubectl
    role = kubectl.json("get", "clusterrole", RELEASE)
    less = [rule for rule in role["rules"] if "ocrservices/status" not in rule.get("resources", ())]
    _rules(kubectl, less)
    try:
        stage.spare.apply(**CHANGED)
        yield
    finally:
        _rules(kubectl, role["rules"])
        stage.spare.apply(**SPARE_SPEC)
        taken_up(stage.spare)


@contextmanager
def webhook_that_does_not_answer(stage: Stage) -> Iterator[None]:
    kubectl, name = stage.spare.kubectl, "broken.example.com"
    # What `CHANGED` changes; the operator does not write what stands already.
    group = {"apiGroups": ["monitoring.coreos.com"], "apiVersions": ["v1"]}
    every = {**group, "operations": ["*"], "resources": ["*"]}
    webhook = {
        "name": name,
        "clientConfig": {"service": {"namespace": "default", "name": "nowhere"}},
        "rules": [every],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": kubectl.namespace}},
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    }
    head = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration"}
    kubectl.apply({**head, "metadata": {"name": name}, "webhooks": [webhook]})
    try:
        stage.spare.apply(**CHANGED)
        yield
    finally:
        kubectl.run("delete", head["kind"], name)
        stage.spare.apply(**SPARE_SPEC)
        taken_up(stage.spare)


@contextmanager
def somebody_who_changes_deployments_back(stage: Stage) -> Iterator[None]:
    spare, over = stage.spare, threading.Event()
    labels = ("app.kubernetes.io/part-of=theirs", "team=theirs")

    def fight() -> None:
        while not over.wait(0.2):
            spare.kubectl.run("label", "--overwrite", "deployments", "--all", *labels)

    other = threading.Thread(target=fight, daemon=True)
    other.start()
    try:
        yield
    finally:
        over.set()
        other.join()


@contextmanager
def key_that_is_too_short(stage: Stage) -> Iterator[None]:
    _rotate(stage.spare, BAD_KEY)
    try:
        yield
    finally:
        _rotate(stage.spare, GOOD_KEY)


@contextmanager
def service_monitor_that_prometheus_does_not_select(stage: Stage) -> Iterator[None]:
    monitor = {"serviceMonitor": {"interval": INTERVAL, "labels": {HIDDEN: "yes"}}}
    stage.service.apply(**SPEC | {"observability": monitor})
    try:
        yield
    finally:
        stage.service.apply(**SPEC)


@contextmanager
def scrape_that_fails(stage: Stage) -> Iterator[None]:
    """By TLS, which the gateway is not served with."""
    kubectl, name = stage.service.kubectl, "by-hand"
    spec = {
        "selector": {"matchLabels": {"kubeocr.dev/service": NAME}},
        "endpoints": [{"port": "http", "scheme": "https", "interval": INTERVAL}],
    }
    monitor = {"apiVersion": API_VERSION, "kind": "ServiceMonitor", "metadata": {"name": name}, "spec": spec}
    with service_monitor_that_prometheus_does_not_select(stage):
        kubectl.apply(monitor)
        try:
            yield
        finally:
            kubectl.run("delete", "servicemonitor", name)


@contextmanager
def finalizer_that_nobody_takes_away(stage: Stage) -> Iterator[None]:
    spare = stage.spare
    _finalizers(spare.kubectl, ["example.com/hold"])
    spare.kubectl.run("delete", "ocrservice", NAME, "--wait=false")
    try:
        yield
    finally:
        _finalizers(spare.kubectl, [])
        spare.kubectl.wait("delete", f"ocrservice/{NAME}")
        spare.apply(**SPARE_SPEC)
        taken_up(spare)


def write_keys(spare: World, key: str) -> None:
    """The Secret of the spare service's only client."""
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": KEYS}, "stringData": {"client": key}}
    spare.kubectl.apply(secret)


def taken_up(spare: World) -> None:
    """Return when the operator has applied what the spec says; without model servers it is never ready."""

    def observed() -> bool:
        found = spare.kubectl.json("get", "ocrservice", NAME)
        seen: bool = found.get("status", {}).get("observedGeneration") == found["metadata"]["generation"]
        return seen

    eventually(observed, "the operator has taken up the spare service")


def _rotate(spare: World, key: str) -> None:
    """The kubelet looks at a Secret again when its pod changes, else within a minute or two."""
    write_keys(spare, key)
    spare.kubectl.run("annotate", "pods", "--all", "--overwrite", f"key-length={len(key)}")


def _rules(kubectl: Kubectl, rules: list[dict[str, Any]]) -> None:
    head = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole"}
    role = {**head, "metadata": {"name": RELEASE}, "rules": rules}
    kubectl.apply(role, "--server-side", "--force-conflicts")


def _finalizers(kubectl: Kubectl, names: list[str]) -> None:
    patch = json.dumps({"metadata": {"finalizers": names}})
    kubectl.run("patch", "ocrservice", NAME, "--type=merge", f"--patch={patch}")
