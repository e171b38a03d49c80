"""What must be so when the faults are over: nothing lost, nothing leaked, nothing left to do."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from ocr_operator.cluster.kube.access import Access
from ocr_operator.cluster.kube.cluster import KubeCluster
from ocr_operator.cluster.kube.discovery import Discovery
from ocr_operator.cluster.kube.events import Recorder
from ocr_operator.cluster.kube.http import Http
from ocr_operator.cluster.kube.scrape import scrape
from ocr_operator.cluster.port import Cluster, ConflictError, Event
from ocr_operator.config import load_operands
from ocr_operator.models.manifest import (
    CHILD_KINDS,
    CONFIG_MAP,
    DEPLOYMENT,
    OCR_SERVICE,
    Kind,
    Manifest,
    Ref,
    controlled_by,
    ref,
)
from ocr_operator.models.names import MANAGED_BY_LABEL, MANAGER, TRAFFIC
from ocr_operator.models.service import Key
from ocr_operator.reconcile import Reconciler
from ocr_operator.runtime.fleet import Fleet
from ocr_operator.runtime.metrics import Metrics
from ocr_operator.runtime.profiles import Profiles
from ocr_operator.runtime.queue import loop_time
from tests.chaos.scene import Scene, Wish

# Field managers that may have written an OCRService's fields besides the status.
USERS: Final = frozenset({"test"})
SETTLED: Final = {"SpecAccepted": "True", "Reconciling": "False", "Stalled": "False"}


@dataclass
class DryRun:
    """A cluster that is read and never written: it notes what would have been."""

    cluster: Cluster
    wanted: list[str] = field(default_factory=list)

    async def get(self, ref: Ref) -> Manifest | None:
        """The object."""
        return await self.cluster.get(ref)

    async def exists(self, ref: Ref) -> bool:
        """Whether the object is there."""
        return await self.cluster.exists(ref)

    async def list(
        self, kind: Kind, namespace: str | None, labels: Mapping[str, str]
    ) -> tuple[Manifest, ...]:
        """Objects."""
        return await self.cluster.list(kind, namespace, labels)

    async def serves(self, kind: Kind) -> bool:
        """Whether there is the kind."""
        return await self.cluster.serves(kind)

    async def create(self, manifest: Manifest, *, manager: str) -> Manifest:
        """Note it, of an object that is not there."""
        if await self.cluster.exists(ref(manifest)):
            raise ConflictError(f"{ref(manifest)} is there")
        return await self.apply(manifest, manager=manager)

    async def apply(self, manifest: Manifest, *, manager: str) -> Manifest:
        """Note it."""
        self.wanted.append(f"{manager} would apply {ref(manifest)}")
        return {"spec": {}, **manifest}

    async def apply_status(self, manifest: Manifest, *, manager: str) -> Manifest:
        """Note it."""
        self.wanted.append(f"{manager} would apply the status of {ref(manifest)}")
        return manifest

    async def delete(self, ref: Ref, *, uid: str) -> None:
        """Note it."""
        self.wanted.append(f"{ref} {uid} would be deleted")

    async def record(self, event: Event) -> None:
        """Note it."""
        self.wanted.append(f"the Event {event.reason} would be written")


def problems(scene: Scene) -> list[str]:
    """All that is not as it must be; raises httpx.HTTPError while the apiserver can't be read."""
    services = {each["metadata"]["name"]: each for each in scene.api.items(OCR_SERVICE)}
    found = [f"{name} is lost" for name in scene.wishes.keys() - services.keys()]
    found += [f"{name} was deleted and is there" for name in services.keys() - scene.wishes.keys()]
    found += _leaked(scene, {each["metadata"]["uid"] for each in services.values()})
    for name in services.keys() & scene.wishes.keys():
        found += _of_service(scene, services[name], scene.wishes[name])
    return found or asyncio.run(_left_to_do(scene, sorted(services)))


def _leaked(scene: Scene, living: set[str]) -> Iterator[str]:
    """Children of nobody, and keys of nobody in the file that services share."""
    for kind in CHILD_KINDS:
        for child in scene.api.items(kind, f"{MANAGED_BY_LABEL}={MANAGER}"):
            if not any(controlled_by(child, uid) for uid in living):
                yield f"{kind.kind} {child['metadata']['name']} belongs to nobody"
    shared = scene.api.get(CONFIG_MAP, TRAFFIC) or {}
    canaries = {name for name, wish in scene.wishes.items() if _is_canary(wish)}
    for name in (shared.get("data") or {}).keys() - canaries:
        yield f"ConfigMap {TRAFFIC} has a key of {name}, which wants no canary"


def _is_canary(wish: Wish) -> bool:
    return bool(wish.spec.get("rollout", {}).get("strategy") == "Canary")


def _of_service(scene: Scene, service: Mapping[str, Any], wish: Wish) -> Iterator[str]:
    metadata, status = service["metadata"], service.get("status", {})
    name = metadata["name"]
    if service["spec"] != wish.spec:
        yield f"{name} has the spec {service['spec']}, but its user wrote {wish.spec}"
    managers = {each["manager"] for each in metadata["managedFields"] if each.get("subresource") != "status"}
    if strangers := managers - USERS:
        yield f"fields of {name} were written by {sorted(strangers)}"
    if status.get("observedGeneration") != metadata["generation"]:
        yield f"the status of {name} is about generation {status.get('observedGeneration')}"
    said = {each["type"]: each for each in status.get("conditions", ())}
    expected = {**SETTLED, "Ready": "False" if wish.spec.get("suspend") else "True"}
    for kind, value in expected.items():
        if said.get(kind, {}).get("status") != value:
            yield f"{name} has {kind} {said.get(kind)}, revisions {status.get('revisions')}"
    for component in ("gateway", "model-server"):
        deployment = scene.api.get(DEPLOYMENT, f"{name}-{component}")
        pods = deployment and deployment["spec"].get("replicas")
        if pods != wish.replicas(component):
            yield f"{name}-{component} has {pods} pods, but {wish.replicas(component)} are asked for"


async def _left_to_do(scene: Scene, services: list[str]) -> list[str]:
    """What an operator that starts now would change."""
    http = Http(await Access.load(Path(scene.plane.kubeconfig)), lambda *_: None)
    try:
        recorder = Recorder(http, instance="judge", now=_now)
        cluster = KubeCluster(http, Discovery(http, loop_time), recorder, (scene.namespace,))
        dry = DryRun(cluster)
        operands, version = load_operands(scene.operators.operands), scene.operators.version
        fleet, metrics = Fleet(lambda _: None), Metrics(version=version, kopf_version="0")
        reconciler = Reconciler(dry, scrape, operands, version, _now, metrics, fleet, Profiles())
        for name in services:
            await reconciler(Key(scene.namespace, name))
        return dry.wanted
    finally:
        await http.close()


def _now() -> datetime:
    return datetime.now(UTC)
