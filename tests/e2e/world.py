"""One OCRService on the real node: what its tests do to it, and what they read."""

from __future__ import annotations

import io
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx
from PIL import Image, ImageDraw, ImageFont

from tests.cluster.fixtures import new_namespace
from tests.cluster.kubectl import CommandError, Kubectl
from tests.cluster.node import Node

T = TypeVar("T")

NAME = "invoices"
TEXT = "Invoice number 4711"
SENDERS = 3
KINDS = (
    "deployments,replicasets,pods,services,serviceaccounts,poddisruptionbudgets,networkpolicies,ingresses,"
    "endpointslices"
)
# Small requests: the node has two cores. Everything else is the default.
SPEC: dict[str, Any] = {
    "modelServer": {
        "replicas": 2,
        "resources": {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "1Gi"}},
    },
    "gateway": {
        "replicas": 2,
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "512Mi"}},
        "drainSeconds": 8,
    },
    "expose": {"service": {"type": "NodePort"}},
}


@dataclass(frozen=True)
class Sample:
    """An image file, and the text in it."""

    image: bytes
    text: str


def sample(text: str, size: int) -> Sample:
    """A PNG with one line of text, `size` pixels high."""
    font = ImageFont.load_default(size)
    image = Image.new("RGB", (round(font.getlength(text)) + 2 * size, 2 * size), "white")
    ImageDraw.Draw(image).text((size, size / 2), text, fill="black", font=font)
    file = io.BytesIO()
    image.save(file, "png")
    return Sample(file.getvalue(), text)


INVOICE = sample(TEXT, 40)


def eventually(look: Callable[[], T | None], what: str, seconds: float = 120) -> T:
    """The first result of `look` that is neither None nor False; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found is not None and found is not False:
            return found
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.3)


@dataclass
class Traffic:
    """Pages that were sent, and what went wrong with which."""

    sent: int = 0
    failures: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class World:
    """The OCRService `invoices` in a namespace of its own."""

    node: Node
    kubectl: Kubectl

    def apply(self, **changes: Any) -> None:
        """Apply the service, with top-level members of its spec replaced."""
        self.kubectl.apply(
            {
                "apiVersion": "kubeocr.dev/v1alpha1",
                "kind": "OCRService",
                "metadata": {"name": NAME},
                "spec": {**SPEC, **changes},
            }
        )

    def settle(self, seconds: float = 120) -> None:
        """Wait until the newest spec runs everywhere, and the node's kube-proxy knows of its gateways."""
        eventually(self._settled, f"settled; it says {self.conditions()}", seconds)
        # Until kube-proxy has heard of what the API says already, it refuses connections.
        eventually(self._connects, "a connection to the gateway's Service")

    def _settled(self) -> bool:
        service = self.kubectl.json("get", "ocrservice", NAME)
        conditions = self.conditions(service)
        return service.get("status", {}).get("observedGeneration") == service["metadata"]["generation"] and (
            conditions.get("Ready", ("", ""))[0] == "True"
            and conditions["Reconciling"][0] == "False"
            and conditions["Stalled"][0] == "False"
        )

    def _connects(self) -> bool:
        address = httpx.URL(self.url)
        try:
            socket.create_connection((address.host, address.port), timeout=5).close()
        except ConnectionRefusedError:
            return False
        return True

    def conditions(self, service: dict[str, Any] | None = None) -> dict[str, tuple[str, str]]:
        """Status and reason by type."""
        service = service or self.kubectl.json("get", "ocrservice", NAME)
        found = service.get("status", {}).get("conditions", ())
        return {condition["type"]: (condition["status"], condition["reason"]) for condition in found}

    def status(self) -> dict[str, Any]:
        """The status as it is now."""
        status: dict[str, Any] = self.kubectl.json("get", "ocrservice", NAME).get("status", {})
        return status

    def objects(self, kinds: str = KINDS) -> list[dict[str, Any]]:
        """All objects of the service."""
        found = self.kubectl.json("get", kinds, f"--selector=kubeocr.dev/service={NAME}")
        return list(found["items"])

    def pods(self, component: str | None = None) -> dict[str, int]:
        """Restarts by the name of each pod that has not ended and is not about to."""

        def restarts(pod: dict[str, Any]) -> int:
            return sum(status["restartCount"] for status in pod["status"].get("containerStatuses", ()))

        return {
            pod["metadata"]["name"]: restarts(pod)
            for pod in self.objects("pods")
            if "deletionTimestamp" not in pod["metadata"]
            and pod["status"]["phase"] in ("Pending", "Running")
            and component in (None, pod["metadata"]["labels"]["app.kubernetes.io/component"])
        }

    @property
    def url(self) -> str:
        """The gateway's Service, from outside."""
        service = self.kubectl.json("get", "service", f"{NAME}-gateway")
        return f"http://{self.node.address}:{service['spec']['ports'][0]['nodePort']}"

    def read(self, page: Sample = INVOICE) -> httpx.Response:
        """Send one page over a connection of its own, as curl does."""
        return httpx.post(
            f"{self.url}/v1/ocr",
            content=page.image,
            headers={"content-type": "image/png", "accept": "text/plain"},
            timeout=60,
        )

    @contextmanager
    def traffic(self, at_least: int, page: Sample = INVOICE) -> Iterator[Traffic]:
        """Send pages without a pause during the block, and on until there were `at_least`."""
        seen, over, lock = Traffic(), threading.Event(), threading.Lock()
        url, context = self.url, ssl.create_default_context()  # making one costs more than a request

        def send() -> None:
            headers = {"content-type": "image/png", "accept": "text/plain"}
            while not over.is_set() or seen.sent < at_least:
                try:
                    answer = httpx.post(
                        f"{url}/v1/ocr", content=page.image, headers=headers, timeout=60, verify=context
                    )
                    problem = (
                        None if answer.text.strip() == page.text else f"{answer.status_code} {answer.text}"
                    )
                except httpx.HTTPError as error:
                    problem = repr(error)
                with lock:
                    seen.sent += 1
                    seen.failures += [problem] if problem else []

        senders = [threading.Thread(target=send, daemon=True) for _ in range(SENDERS)]
        for sender in senders:
            sender.start()
        try:
            eventually(lambda: seen.sent >= SENDERS, "the first pages were answered")
            yield seen
        finally:
            over.set()
            for sender in senders:
                sender.join(timeout=600)

    def exists(self, *what: str) -> bool:
        """Whether kubectl finds an object; there is none of a kind that is not served (yet)."""
        try:
            self.kubectl.run("get", *what)
        except CommandError as error:
            absent = ("not found", "doesn't have a resource type")
            if not any(said in error.output.lower() for said in absent):
                raise
            return False
        return True


@contextmanager
def restricted(node: Node) -> Iterator[World]:
    """A namespace that takes only pods of the Pod Security Standard `restricted`."""
    with new_namespace(node.kubectl()) as name:
        node.kubectl().run("label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted")
        yield World(node, node.kubectl(name))
