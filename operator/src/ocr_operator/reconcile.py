"""The story of one reconcile: get, validate, observe, build, apply, prune, judge, write status."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, Protocol

from ocr_operator.cluster.port import Cluster, Event, ForbiddenError, RejectedError
from ocr_operator.desired.accept import Refusal, refusals, secrets
from ocr_operator.desired.build import build
from ocr_operator.desired.deployment import build_scales
from ocr_operator.desired.metadata import owned_labels
from ocr_operator.desired.plan import Facts, Plan, operand_version
from ocr_operator.models.manifest import (
    CHILD_KINDS,
    DEPLOYMENT,
    OCR_SERVICE,
    POD,
    SECRET,
    SERVICE_MONITOR,
    Manifest,
    Ref,
    controlled_by,
    ref,
)
from ocr_operator.models.names import MANAGER, REPLICAS_MANAGER, SERVICE_LABEL, STATUS_MANAGER
from ocr_operator.models.operands import Operands
from ocr_operator.models.service import InvalidSpecError, Key, OCRService, parse
from ocr_operator.models.status import Status
from ocr_operator.status.judge import judge
from ocr_operator.status.observation import Observation
from ocr_operator.status.transitions import transitions

# Pods are not watched (a cluster has too many): while something moves, they are looked at this often.
MOVING_SECONDS: Final = 3.0
# A missing Secret or a refused child is mended by someone else, and nothing tells us.
HINDERED_SECONDS: Final = 15.0

Applied = Literal["created", "changed", "unchanged"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """When to look again; None leaves it to events and the resync."""

    requeue_after: float | None = None


class Telemetry(Protocol):
    """What a reconcile tells about itself."""

    def applied(self, kind: str, result: Applied) -> None:
        """A child was applied."""

    def judged(self, key: Key, status: Status) -> None:
        """A status was found, written or not."""

    def status_written(self) -> None:
        """The status differed and was written."""

    def forgotten(self, key: Key) -> None:
        """The OCRService is gone."""


@dataclass(frozen=True, slots=True)
class Reconciler:
    """Brings one OCRService to what its spec says. Safe to repeat, to interrupt and to run twice."""

    cluster: Cluster
    operands: Operands
    operator_version: str
    clock: Callable[[], datetime]
    telemetry: Telemetry

    async def __call__(self, key: Key) -> Outcome:
        """Reconcile once. Raises ClusterError when another try is worth it."""
        body = await self.cluster.get(Ref(OCR_SERVICE, *key))
        if body is None or body["metadata"].get("deletionTimestamp"):
            # Children go by their ownerReferences; applying them again would fight the garbage collector.
            self.telemetry.forgotten(key)
            return Outcome()
        service, refused = _read(body)
        facts = await self._facts(service)
        refused = refused or refusals(service, self.operands, facts)
        children = await self._children(service)
        operand = self.operands.find(operand_version(service, self.operands))
        troubles: tuple[Refusal, ...] = ()
        if operand is not None and not refused:
            children, troubles = await self._converge(Plan(service, operand, facts), children)
        seen = Observation(
            service=service,
            operand=operand,
            refusals=refused,
            troubles=troubles,
            service_monitors=facts.service_monitors,
            children=tuple(children.values()),
            pods=await self._pods(service),
        )
        status = judge(seen, operator_version=self.operator_version, now=self.clock())
        await self._write(body, service.status, status)
        self.telemetry.judged(key, status)
        return _outcome(status)

    async def _facts(self, service: OCRService) -> Facts:
        namespace = service.metadata.namespace
        missing = [
            name for name in secrets(service) if not await self.cluster.exists(Ref(SECRET, namespace, name))
        ]
        return Facts(
            service_monitors=await self.cluster.serves(SERVICE_MONITOR), missing_secrets=frozenset(missing)
        )

    async def _children(self, service: OCRService) -> dict[Ref, Manifest]:
        """Live children by identity: found by label, ours only if this very OCRService controls them."""
        metadata = service.metadata
        found = [
            manifest
            for kind in CHILD_KINDS
            for manifest in await self.cluster.list(kind, metadata.namespace, owned_labels(metadata.name))
        ]
        return {ref(child): child for child in found if controlled_by(child, metadata.uid)}

    async def _pods(self, service: OCRService) -> tuple[Manifest, ...]:
        labels = {SERVICE_LABEL: service.metadata.name}
        return await self.cluster.list(POD, service.metadata.namespace, labels)

    async def _converge(
        self, plan: Plan, before: Mapping[Ref, Manifest]
    ) -> tuple[dict[Ref, Manifest], tuple[Refusal, ...]]:
        """Apply what is wanted, each child for itself, then prune what is not wanted any more."""
        wanted = {ref(manifest): manifest for manifest in build(plan)}
        scales = {ref(manifest): manifest for manifest in build_scales(plan)}
        # A child whose change is refused stays what it was, and counts as that.
        live = {identity: child for identity, child in before.items() if identity in wanted}
        troubles: list[Refusal] = []
        for identity, manifest in wanted.items():
            try:
                live[identity] = await self._apply(plan.service, manifest, before.get(identity))
                if identity.kind == DEPLOYMENT:
                    live[identity] = await self._scale(live[identity], scales[identity])
            except RejectedError as error:
                troubles.append(Refusal("ApplyRejected", f"{identity}: {error}"))
            except ForbiddenError as error:
                troubles.append(Refusal("OperatorForbidden", f"{identity}: {error}"))
        for identity, child in before.items():
            if identity not in wanted:
                await self.cluster.delete(identity, uid=child["metadata"]["uid"])
        return live, tuple(troubles)

    async def _apply(self, service: OCRService, manifest: Manifest, before: Manifest | None) -> Manifest:
        if before is None:
            stranger = await self.cluster.get(ref(manifest))
            if stranger is not None and not controlled_by(stranger, service.metadata.uid):
                raise RejectedError(
                    "it exists and belongs to someone else; rename the OCRService or remove it"
                )
        live = await self.cluster.apply(manifest, manager=MANAGER)
        self.telemetry.applied(manifest["kind"], _compare(before, live))
        return live

    async def _scale(self, live: Manifest, scale: Manifest) -> Manifest:
        if live["spec"].get("replicas") == scale["spec"]["replicas"]:
            return live
        return await self.cluster.apply(scale, manager=REPLICAS_MANAGER)

    async def _write(self, body: Manifest, before: Status, status: Status) -> None:
        metadata, written = body["metadata"], status.dump()
        if written == body.get("status"):
            return
        identity = {name: metadata[name] for name in ("name", "namespace", "uid")}
        head = {"apiVersion": OCR_SERVICE.api_version, "kind": OCR_SERVICE.kind, "metadata": identity}
        await self.cluster.apply_status({**head, "status": written}, manager=STATUS_MANAGER)
        self.telemetry.status_written()
        for transition in transitions(before, status):
            await self.cluster.record(Event(ref(body), metadata["uid"], *transition))


def _read(body: Mapping[str, Any]) -> tuple[OCRService, tuple[Refusal, ...]]:
    """The service; with an empty spec beside the refusal when the stored one can't be read."""
    try:
        return parse(body), ()
    except InvalidSpecError as error:
        return parse({**body, "spec": {}}), (Refusal("InvalidSpec", str(error)),)


def _compare(before: Manifest | None, live: Manifest) -> Applied:
    if before is None:
        return "created"
    same = before["metadata"]["resourceVersion"] == live["metadata"]["resourceVersion"]
    return "unchanged" if same else "changed"


def _outcome(status: Status) -> Outcome:
    conditions = {condition.type: condition.status for condition in status.conditions}
    if conditions["Stalled"] == "True":
        return Outcome(HINDERED_SECONDS)
    return Outcome(MOVING_SECONDS if conditions["Reconciling"] == "True" else None)
