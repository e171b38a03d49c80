"""One seed's namespace: its users, its kubelet, and the way of its operators to the apiserver."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from ocr_operator.cluster.kube import paths
from ocr_operator.models.manifest import CHILD_KINDS, OCR_SERVICE, POD, Kind
from tests.chaos.crew import Operators
from tests.chaos.schedule import Schedule
from tests.chaos.witness import Witness
from tests.cluster.controlplane import ControlPlane
from tests.cluster.errors import ClusterError
from tests.support.api import Api
from tests.support.faultproxy import FaultProxy

TICK_SECONDS: Final = 0.15
INSIST_SECONDS: Final = 60.0
REPLICAS: Final = 2
KINDS: Final = {kind.plural: kind for kind in CHILD_KINDS}
READY: Final = {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}
# What users do to a child: in metadata, or in a field of the spec that the operator has applied, too.
DRIFTS: Final[dict[str, dict[str, Any]]] = {
    "deployments": {"spec": {"revisionHistoryLimit": 9, "replicas": 5}},
    "services": {"spec": {"selector": {"drift": "yes"}}},
    "poddisruptionbudgets": {"spec": {"maxUnavailable": 3}},
}
RELABEL: Final = {"metadata": {"labels": {"app.kubernetes.io/part-of": "drift"}}}


@dataclass(frozen=True, slots=True)
class Wish:
    """What the users of a living service want: its spec as they wrote it."""

    spec: dict[str, Any]

    def replicas(self, component: str) -> int:
        """Pods of a component."""
        if self.spec.get("suspend"):
            return 0
        asked: int = self.spec.get("gateway" if component == "gateway" else "modelServer", {}).get(
            "replicas", REPLICAS
        )
        return asked


class Scene:
    """Where a schedule is played. All is done in the caller's thread; `rest` lets the world go on."""

    def __init__(
        self, plane: ControlPlane, proxy: FaultProxy, namespace: str, folder: Path, schedule: Schedule
    ) -> None:
        """Start the operators; `end` ends them."""
        self.plane, self.proxy, self.namespace = plane, proxy, namespace
        self.witness = Witness()
        proxy.hear = self.witness.hear
        self.api = Api(proxy.url, namespace)
        self.wishes: dict[str, Wish] = {}
        self.operators = Operators(
            schedule.crew, proxy.kubeconfig, folder, namespace, blind=schedule.is_blind
        )
        self._endings: list[Callable[[], None]] = []

    def end(self) -> None:
        """Kill the operators."""
        self.operators.end()
        self.api.close()

    def begin(self) -> None:
        """Return when an operator works: before, nothing can be disturbed."""
        deadline = time.monotonic() + INSIST_SECONDS
        while not self.operators.ready():
            assert time.monotonic() < deadline, f"no operator is ready:\n{self.operators.said()}"
            self.rest(TICK_SECONDS)

    def rest(self, seconds: float) -> None:
        """Let so much time pass: pods start, operators that ended are started again."""
        until = time.monotonic() + seconds
        while True:
            self.operators.tend()
            with suppress(httpx.HTTPError):
                self._run_pods()
            left = until - time.monotonic()
            time.sleep(max(0.0, min(TICK_SECONDS, left)))
            if left <= TICK_SECONDS:
                return

    def _run_pods(self) -> None:
        """Play the kubelet: a pod becomes ready."""
        for pod in self.api.items(POD):
            if not any(each["type"] == "Ready" for each in pod["status"].get("conditions", ())):
                status = {"phase": "Running", "conditions": [READY]}
                self.api.patch(POD, pod["metadata"]["name"], {"status": status}, "/status")

    def insist(self, work: Callable[[], object], *, gone_is_done: bool = False) -> None:
        """Do what the apiserver must be there for; `gone_is_done`: to an object that is gone, nothing."""
        deadline = time.monotonic() + INSIST_SECONDS
        while True:
            try:
                work()
            except httpx.HTTPStatusError as error:
                if gone_is_done and error.response.status_code == httpx.codes.NOT_FOUND:
                    return
                if time.monotonic() > deadline:
                    raise
            except (httpx.TransportError, ClusterError):
                if time.monotonic() > deadline:
                    raise
            else:
                return
            self.rest(TICK_SECONDS)

    def kubectl(self, *args: str, stdin: str | None = None) -> None:
        """kubectl as administrator, until it succeeds."""
        self.insist(lambda: self.plane.kubectl.run(*args, stdin=stdin, seconds=40))

    def at_end(self, work: Callable[[], None]) -> None:
        """What is put right when the schedule is over."""
        self._endings.append(work)

    def heal(self) -> None:
        """No fault any more, and one operator."""
        self.proxy.heal()
        for work in self._endings:
            work()
        self.operators.retire()

    # What users do.

    def create(self, service: str, spec: dict[str, Any]) -> None:
        """A new OCRService; one that goes is waited for."""
        self.wishes[service] = Wish(spec)
        for component in ("gateway", "model-server", "model-server-b"):
            self.witness.least.pop(f"{service}-{component}", None)
        self._expect(service)
        self.insist(lambda: self._put(service, spec))

    def _put(self, service: str, spec: dict[str, Any]) -> None:
        """Create it, or replace the spec: a create whose answer was lost has been done."""
        body = {
            "apiVersion": OCR_SERVICE.api_version,
            "kind": OCR_SERVICE.kind,
            "metadata": {"name": service},
            "spec": spec,
        }
        try:
            self.api.post(OCR_SERVICE, body)
        except httpx.HTTPStatusError as error:
            if error.response.status_code != httpx.codes.CONFLICT:
                raise
            found = self.api.get(OCR_SERVICE, service)
            if found is None or found["metadata"].get("deletionTimestamp") or found["spec"] != spec:
                raise

    def create_again(self) -> None:
        """All that shall be there and is not, as from Git."""
        for service, wish in self.wishes.items():
            self.create(service, wish.spec)

    def edit(self, service: str, spec: dict[str, Any]) -> None:
        """A merge patch of the spec."""
        self.wishes[service] = Wish(merged(self.wishes[service].spec, spec))
        self._expect(service)
        self.insist(lambda: self.api.patch(OCR_SERVICE, service, {"spec": spec}))

    def scale(self, service: str, replicas: int) -> None:
        """`kubectl scale`: of the model servers."""
        self.wishes[service] = Wish(
            merged(self.wishes[service].spec, {"modelServer": {"replicas": replicas}})
        )
        self._expect(service)
        self.insist(lambda: self.api.patch(OCR_SERVICE, service, {"spec": {"replicas": replicas}}, "/scale"))

    def annotate(self, service: str, value: str) -> None:
        """A change of metadata, which is nobody's business."""
        body = {"metadata": {"annotations": {"example.com/note": value}}}
        self.insist(lambda: self.api.patch(OCR_SERVICE, service, body))

    def delete(self, service: str) -> None:
        """Delete a service."""
        del self.wishes[service]
        self.bury(service)
        self.insist(lambda: self.api.delete(OCR_SERVICE, service), gone_is_done=True)

    def bury(self, *services: str) -> None:
        """They go; what an operator is still about to make for them is nobody's any more."""

        def look() -> None:
            for service in services:
                if found := self.api.get(OCR_SERVICE, service):
                    self.witness.gone.add(found["metadata"]["uid"])

        self.insist(look)

    def rob(self, kind: str, service: str, component: str) -> None:
        """Delete a child."""
        self.insist(lambda: self.api.delete(KINDS[kind], f"{service}-{component}"), gone_is_done=True)

    def drift(self, kind: str, service: str, component: str) -> None:
        """Edit a child."""
        body = merged(RELABEL, DRIFTS.get(kind, {}))
        self.insist(lambda: self._change(KINDS[kind], f"{service}-{component}", body), gone_is_done=True)

    def _change(self, kind: Kind, name: str, body: dict[str, Any]) -> None:
        self.api.send("PATCH", paths.item(self.api.ref(kind, name)), body, "application/merge-patch+json")

    def _expect(self, service: str) -> None:
        """From now on the operators may give as few pods as this, but not fewer than was ever asked."""
        wish = self.wishes[service]
        for component in ("gateway", "model-server"):
            name, asked = f"{service}-{component}", wish.replicas(component)
            self.witness.least[name] = min(asked, self.witness.least.get(name, asked))


def merged(old: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """A merge patch (RFC 7386) of JSON objects without nulls."""
    result = dict(old)
    for name, value in patch.items():
        before = old.get(name)
        result[name] = (
            merged(before, value) if isinstance(value, dict) and isinstance(before, dict) else value
        )
    return result
