"""The Kubernetes API for tests: quick reads and writes as one user, through the fault proxy."""

import json
import time
from collections.abc import Callable
from typing import Any

import httpx

from ocr_operator.cluster.kube import paths
from ocr_operator.models.manifest import CHILD_KINDS, OCR_SERVICE, POD, Kind, Ref
from ocr_operator.models.names import SERVICE_LABEL

SECONDS = 90.0
POLL_SECONDS = 0.1
# What the server sets, and what differs between two objects of equal meaning.
VOLATILE = ("uid", "resourceVersion", "creationTimestamp", "managedFields", "generation")


class Api:
    """One namespace of a cluster, as the user `test`."""

    def __init__(self, url: str, namespace: str) -> None:
        """`url` is a FaultProxy's; close with `close`."""
        self.namespace = namespace
        self._client = httpx.Client(base_url=url, headers={"User-Agent": "test"}, timeout=30)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def send(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> Any:
        """Any request; its JSON. A 429 is tried again. Raises httpx.HTTPStatusError."""
        for _ in range(10):
            response = self._client.request(method, path, json=body, headers={"Content-Type": kind})
            if response.status_code != httpx.codes.TOO_MANY_REQUESTS:
                break
            time.sleep(float(response.headers.get("Retry-After", 1)))
        if response.is_error:
            raise httpx.HTTPStatusError(response.text, request=response.request, response=response)
        return response.json()

    def ref(self, kind: Kind, name: str) -> Ref:
        """An object of this namespace."""
        return Ref(kind, self.namespace, name)

    def get(self, kind: Kind, name: str) -> dict[str, Any] | None:
        """The object, if there is one."""
        try:
            found: dict[str, Any] = self.send("GET", paths.item(self.ref(kind, name)))
        except httpx.HTTPStatusError as error:
            if error.response.status_code == 404:
                return None
            raise
        return found

    def create(self, name: str, spec: dict[str, Any] | None = None) -> dict[str, Any]:
        """A new OCRService."""
        body = {
            "apiVersion": OCR_SERVICE.api_version,
            "kind": OCR_SERVICE.kind,
            "metadata": {"name": name},
            "spec": spec or {},
        }
        return self.post(OCR_SERVICE, body)

    def post(self, kind: Kind, body: dict[str, Any]) -> dict[str, Any]:
        """A new object."""
        created: dict[str, Any] = self.send("POST", paths.collection(kind, self.namespace), body)
        return created

    def patch(self, kind: Kind, name: str, body: dict[str, Any], subresource: str = "") -> dict[str, Any]:
        """A merge patch."""
        path = paths.item(self.ref(kind, name)) + subresource
        patched: dict[str, Any] = self.send("PATCH", path, body, "application/merge-patch+json")
        return patched

    def delete(self, kind: Kind, name: str) -> None:
        """Delete an object."""
        self.send("DELETE", paths.item(self.ref(kind, name)))

    def items(self, kind: Kind, selector: str = "") -> list[dict[str, Any]]:
        """All objects of a kind with these labels; none if the kind is not served."""
        try:
            path = f"{paths.collection(kind, self.namespace)}?labelSelector={selector}"
            return list(self.send("GET", path)["items"])
        except httpx.HTTPStatusError as error:
            if error.response.status_code == 404:
                return []
            raise

    def history(self, kind: Kind, name: str, since: str) -> list[dict[str, Any]]:
        """What an object has been since that resourceVersion, oldest first."""
        path = paths.collection(kind, self.namespace)
        query = {"watch": "true", "fieldSelector": f"metadata.name={name}", "timeoutSeconds": "1"}
        answer = self._client.get(path, params={**query, "resourceVersion": since})
        return [json.loads(line)["object"] for line in answer.raise_for_status().text.splitlines()]

    def children(self, service: str) -> dict[str, dict[str, Any]]:
        """All children of a service as they are, by `plural/name`."""
        return {
            f"{kind.plural}/{item['metadata']['name']}": item
            for kind in CHILD_KINDS
            for item in self.items(kind, f"{SERVICE_LABEL}={service}")
        }

    def meaning(self, service: str) -> dict[str, Any]:
        """The children without what only the server cares about, for comparison."""
        return {name: meaning_of(child) for name, child in self.children(service).items()}

    def pods(self, service: str) -> list[dict[str, Any]]:
        """The pods of a service."""
        return self.items(POD, f"{SERVICE_LABEL}={service}")

    def run_pods(self) -> None:
        """Play the kubelet: every pod is running and ready."""
        for pod in self.items(POD):
            ready = [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}]
            body = {"status": {"phase": "Running", "conditions": ready}}
            try:
                self.patch(POD, pod["metadata"]["name"], body, "/status")
            except httpx.HTTPStatusError as error:
                # Scaled down since it was listed.
                if error.response.status_code != httpx.codes.NOT_FOUND:
                    raise

    def status(self, service: str) -> dict[str, Any]:
        """The status of an OCRService; empty before the first."""
        found = self.get(OCR_SERVICE, service)
        return dict(found.get("status") or {}) if found else {}

    def condition(self, service: str, kind: str) -> dict[str, Any]:
        """A condition of an OCRService; empty before the first."""
        conditions = self.status(service).get("conditions", ())
        return next((dict(each) for each in conditions if each["type"] == kind), {})

    def observed(self, service: str) -> bool:
        """Whether the status speaks of the spec as it is now."""
        found = self.get(OCR_SERVICE, service)
        generation = found and found["metadata"]["generation"]
        return bool(found) and (found or {}).get("status", {}).get("observedGeneration") == generation


def meaning_of(child: dict[str, Any]) -> dict[str, Any]:
    """What a child says, without what only the server cares about."""
    metadata = {name: value for name, value in child["metadata"].items() if name not in VOLATILE}
    # A Deployment's controller notes its revision; the apiserver gives a Service its address.
    metadata.pop("annotations", None)
    spec = {
        name: value
        for name, value in child.get("spec", {}).items()
        if name not in ("clusterIP", "clusterIPs")
    }
    return {"metadata": metadata, "spec": spec}


def eventually(what: str, check: Callable[[], object], seconds: float = SECONDS) -> None:
    """Return when `check()` is true; fail with `what` and its last answer after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (last := check()):
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not so after {seconds:.0f} s (last answer: {last!r})")
        time.sleep(POLL_SECONDS)
