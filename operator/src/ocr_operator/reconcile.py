"""The story of one reconcile: get, validate, observe, decide, build, apply, prune, judge, write status."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal, Protocol

from ocr_operator.cluster.port import (
    Cluster,
    ConflictError,
    Event,
    ForbiddenError,
    RejectedError,
    Scraper,
)
from ocr_operator.desired.accept import Refusal, claims, refusals, secrets
from ocr_operator.desired.build import build, kept
from ocr_operator.desired.effective import effective, own
from ocr_operator.desired.metadata import owned_labels
from ocr_operator.desired.plan import Facts, Plan, operand_version
from ocr_operator.desired.scales import Scale, build_scales
from ocr_operator.desired.schedules import next_change
from ocr_operator.desired.standing import owns, signed, stands
from ocr_operator.desired.traffic import (
    build_traffic,
    is_told,
    left_over,
    traffic_manager,
    without_key,
)
from ocr_operator.desired.upgrades import member
from ocr_operator.models.manifest import (
    CHILD_KINDS,
    CONFIG_MAP,
    DEPLOYMENT,
    OCR_PROFILE,
    OCR_SERVICE,
    OPTIONAL_KINDS,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    SECRET,
    Kind,
    Manifest,
    Ref,
    controlled_by,
    part_of,
    ref,
)
from ocr_operator.models.names import (
    MANAGER,
    REPLICAS_MANAGER,
    SERVICE_LABEL,
    STATUS_MANAGER,
    TRAFFIC,
)
from ocr_operator.models.operands import Operands
from ocr_operator.models.reasons import Reason
from ocr_operator.models.revisions import Revisions
from ocr_operator.models.service import Key, OCRService
from ocr_operator.models.status import Status, VersionStatus
from ocr_operator.rollouts.advance import advance, proven
from ocr_operator.rollouts.look import Look, look, metrics_urls
from ocr_operator.runtime.fleet import Fleet
from ocr_operator.runtime.profiles import Profiles
from ocr_operator.status.judge import departing, judge
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

    def found(self, key: Key, generation: int, observed: int | None) -> None:
        """The OCRService is there; its status is about the generation `observed`."""

    def applied(self, key: Key, children: Sequence[tuple[Manifest, Applied]]) -> None:
        """All children of a service that could be applied, in one go."""

    def judged(self, key: Key, status: Status) -> None:
        """A status was found, written or not."""

    def status_written(self) -> None:
        """The status differed and was written."""

    def going(self, key: Key, since: datetime) -> None:
        """The OCRService is being deleted."""

    def forgotten(self, key: Key) -> None:
        """The OCRService is gone."""


@dataclass(frozen=True, slots=True)
class Reconciler:
    """Brings one OCRService to what its spec says. Safe to repeat, to interrupt and to run twice."""

    cluster: Cluster
    scrape: Scraper
    operands: Operands
    operator_version: str
    clock: Callable[[], datetime]
    telemetry: Telemetry
    fleet: Fleet
    profiles: Profiles

    async def __call__(self, key: Key) -> Outcome:
        """Reconcile once. Raises ClusterError when another try is worth it."""
        body = await self.cluster.get(Ref(OCR_SERVICE, *key))
        if body is None:
            await self._forget(key)
            return Outcome()
        if since := body["metadata"].get("deletionTimestamp"):
            # Children go by their ownerReferences; applying them again would fight the garbage collector.
            self.telemetry.going(key, datetime.fromisoformat(since))
            self.fleet.see(key, None)
            return Outcome()
        service, refused = await self._read(body)
        self.telemetry.found(key, service.metadata.generation, service.status.observed_generation)
        self.fleet.meet(key, member(service, self.operands))
        facts, now = await self._facts(service), self.clock()
        refused = refused or refusals(service, self.operands, facts)
        if not refused and self.fleet.claim(key):
            service = await self._depart(service, body, now)
        children = await self._children(service, facts)
        version = operand_version(service, self.operands)
        operand = self.operands.find(version)
        revisions = service.status.revisions or Revisions()
        troubles: tuple[Refusal, ...] = ()
        if operand is not None and not refused:
            plan = await self._decide(Plan(service, operand, facts, now, revisions), body, children)
            children, troubles = await self._converge(plan, children)
            revisions = plan.revisions if troubles else proven(plan.revisions, look(service, children))
        seen = Observation(
            service=service,
            version=version,
            operands=self.operands,
            refusals=refused,
            troubles=troubles,
            served=facts.served,
            children=tuple(children.values()),
            pods=await self._pods(service),
            missing_secrets=facts.missing_secrets,
            revisions=revisions,
            line=self.fleet.line,
        )
        status = judge(seen, operator_version=self.operator_version, now=now)
        await self._write(body, service.status, status)
        self.fleet.see(key, member(service.model_copy(update={"status": status}), self.operands))
        self.telemetry.judged(key, status)
        return _outcome(status, next_change(service, now), now)

    async def _forget(self, key: Key) -> None:
        self.telemetry.forgotten(key)
        self.fleet.forget(key)
        self.profiles.see(key, None)
        await self._tell_gateways(key, None)

    async def _read(self, body: Manifest) -> tuple[OCRService, tuple[Refusal, ...]]:
        """The service, with what it takes from a profile."""
        service, refused = own(body)
        name = service.spec.profile_ref.name if service.spec.profile_ref else None
        self.profiles.see(service.key, name)
        if name is None:
            return service, refused
        profile = await self.cluster.get(Ref(OCR_PROFILE, service.metadata.namespace, name))
        return effective(service, body, name, profile)

    async def _facts(self, service: OCRService) -> Facts:
        namespace = service.metadata.namespace
        served = [kind for kind in OPTIONAL_KINDS if await self.cluster.serves(kind)]
        return Facts(
            served=frozenset(served),
            missing_secrets=await self._missing(SECRET, namespace, secrets(service)),
            missing_claims=await self._missing(PERSISTENT_VOLUME_CLAIM, namespace, claims(service)),
        )

    async def _missing(self, kind: Kind, namespace: str, names: Iterable[str]) -> frozenset[str]:
        gone = [name for name in names if not await self.cluster.exists(Ref(kind, namespace, name))]
        return frozenset(gone)

    async def _children(self, service: OCRService, facts: Facts) -> dict[Ref, Manifest]:
        """Live children by identity: found by label, ours only if this very OCRService controls them.

        Without a status the service is new, or has lost it: then the Deployments tell where its roll-out
        stands, and what else a crash may have left is found when it is about to be made.
        """
        kinds = CHILD_KINDS if service.status.conditions else (DEPLOYMENT,)
        metadata = service.metadata
        labels = owned_labels(metadata.name)
        listings = await asyncio.gather(
            *(
                self.cluster.list(kind, metadata.namespace, labels)
                for kind in kinds
                if kind not in OPTIONAL_KINDS - facts.served
            )
        )
        found = (child for listing in listings for child in listing)
        return {ref(child): child for child in found if controlled_by(child, metadata.uid)}

    async def _pods(self, service: OCRService) -> tuple[Manifest, ...]:
        labels = {SERVICE_LABEL: service.metadata.name}
        return await self.cluster.list(POD, service.metadata.namespace, labels)

    async def _depart(self, service: OCRService, body: Manifest, now: datetime) -> OCRService:
        """Move to the newest version: first of all write it down."""
        version = VersionStatus(operand=self.operands.newest, operator=self.operator_version)
        status = departing(service.status, version, now)
        await self._write(body, service.status, status)
        return service.model_copy(update={"status": status})

    async def _decide(self, plan: Plan, body: Manifest, children: Mapping[Ref, Manifest]) -> Plan:
        """The next step of the roll-out.

        With a candidate it is written down before it is done: who dies in between must not try again what
        has failed.
        """
        before = plan.revisions
        seen = await self._look(plan, children)
        plan = replace(plan, running=seen.replicas(before.slot))
        after = advance(plan, seen, plan.now)
        if after != before and (before.candidate or after.candidate):
            status = plan.service.status
            await self._write(body, status, status.model_copy(update={"revisions": after}))
        return replace(plan, revisions=after)

    async def _look(self, plan: Plan, children: Mapping[Ref, Manifest]) -> Look:
        if plan.revisions.candidate is None:
            return look(plan.service, children)
        pods = await self._pods(plan.service)
        answers = await self.scrape(metrics_urls(plan.service, pods))
        return look(plan.service, children, pods, answers)

    async def _converge(
        self, plan: Plan, before: Mapping[Ref, Manifest]
    ) -> tuple[dict[Ref, Manifest], tuple[Refusal, ...]]:
        """Apply what is wanted, each child for itself, then prune what is not wanted any more."""
        wanted = {ref(manifest): manifest for manifest in build(plan)}
        scales = {ref(scale.manifest): scale for scale in build_scales(plan)}
        untouched = kept(plan)
        # A child whose change is refused stays what it was, and counts as that.
        live = {i: child for i, child in before.items() if i in wanted or i in untouched}
        troubles = await self._divide(plan)
        applied: list[tuple[Manifest, Applied]] = []
        for identity, manifest in wanted.items():
            intent, scale, there = manifest, scales.get(identity), before.get(identity)
            try:
                live[identity] = await self._settle(plan.service, signed(manifest), there, scale)
                if scale is not None:
                    live[identity] = await self._scale(live[identity], scale)
                    intent = {**manifest, "spec": manifest["spec"] | scale.owned}
                applied.append((intent, _compare(there, live[identity], intent)))
            except (RejectedError, ForbiddenError) as error:
                troubles.append(_trouble(identity, error))
        for identity in untouched & before.keys():
            live[identity] = await self._scale(before[identity], scales[identity])
        self.telemetry.applied(plan.service.key, applied)
        for identity, child in before.items():
            if identity not in live:
                await self.cluster.delete(identity, uid=child["metadata"]["uid"])
        return live, tuple(troubles)

    async def _divide(self, plan: Plan) -> list[Refusal]:
        """Tell the gateways how to divide the requests; before they are made, for they wait for the file."""
        key = plan.service.key
        try:
            await self._tell_gateways(key, build_traffic(plan))
        except (RejectedError, ForbiddenError) as error:
            return [_trouble(Ref(CONFIG_MAP, key.namespace, TRAFFIC), error)]
        return []

    async def _tell_gateways(self, key: Key, wanted: Manifest | None) -> None:
        """Write a service's key of the shared ConfigMap, and take back those that nobody wants."""
        live = await self.cluster.get(Ref(CONFIG_MAP, key.namespace, TRAFFIC))
        if wanted is not None and not is_told(live, wanted):
            live = await self.cluster.apply(wanted, manager=traffic_manager(key.name))
        if live is None:
            return
        for name in tuple(left_over(live, key.name, wanted)):
            live = await self.cluster.apply(without_key(live, name), manager=traffic_manager(name))

    async def _settle(
        self, service: OCRService, manifest: Manifest, before: Manifest | None, scale: Scale | None
    ) -> Manifest:
        """The child as it is wanted; `scale` is a Deployment's."""
        if before is None:
            new = scale.within(manifest) if scale else manifest
            try:
                return await self.cluster.create(new, manager=MANAGER)
            except ConflictError:
                before = await self._found(service, ref(manifest))
            if before is None:
                return await self.cluster.create(new, manager=MANAGER)
        if stands(before, manifest, MANAGER):
            return before
        if scale and owns(before, {"spec": scale.manifest["spec"]}, MANAGER):
            # It was made with its number, which would be reset if nobody had it any more.
            await self.cluster.apply(_to(before, scale.of(before)), manager=REPLICAS_MANAGER)
        return await self.cluster.apply(_to(before, manifest), manager=MANAGER)

    async def _found(self, service: OCRService, identity: Ref) -> Manifest | None:
        """The object that has a child's name, if it is this service's; None if the name is free now."""
        found = await self.cluster.get(identity)
        if found is None or controlled_by(found, service.metadata.uid):
            return found
        if not _is_of_another_of_this_name(found, service):
            raise RejectedError("it exists and belongs to someone else; rename the OCRService or remove it")
        # Kubernetes' garbage collector is about to delete it, but was seen to take more than 90 s. Which of
        # the two services is the deleted one is known only now: ours may be what was read long ago.
        now = await self.cluster.get(Ref(OCR_SERVICE, *service.key))
        if now is None or now["metadata"]["uid"] != service.metadata.uid:
            raise ConflictError(f"{identity}: its OCRService was made again")
        await self.cluster.delete(identity, uid=found["metadata"]["uid"])
        return None

    async def _scale(self, live: Manifest, scale: Scale) -> Manifest:
        if scale.fits(live):
            return live
        return await self.cluster.apply(_to(live, scale.manifest), manager=REPLICAS_MANAGER)

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


def _to(live: Manifest, manifest: Manifest) -> Manifest:
    """The manifest for this very object: one that went meanwhile would be made anew, with a single pod."""
    return {**manifest, "metadata": {**manifest["metadata"], "uid": live["metadata"]["uid"]}}


def _is_of_another_of_this_name(found: Manifest, service: OCRService) -> bool:
    """Whether all that owns the object are other OCRServices of this name."""
    owners = found["metadata"].get("ownerReferences") or ()
    identity = (OCR_SERVICE.api_version, OCR_SERVICE.kind, service.metadata.name)
    return bool(owners) and all(
        (owner["apiVersion"], owner["kind"], owner["name"]) == identity
        and owner["uid"] != service.metadata.uid
        for owner in owners
    )


def _trouble(identity: Ref, error: RejectedError | ForbiddenError) -> Refusal:
    reason = Reason.OPERATOR_FORBIDDEN if isinstance(error, ForbiddenError) else Reason.APPLY_REJECTED
    return Refusal(reason, f"{identity}: {error}")


def _compare(before: Manifest | None, live: Manifest, intent: Manifest) -> Applied:
    """By what we say only: a Deployment's status changes at any time."""
    if before is None:
        return "created"
    return "unchanged" if part_of(before, intent) == part_of(live, intent) else "changed"


def _outcome(status: Status, scheduled: datetime | None, now: datetime) -> Outcome:
    conditions = {condition.type: condition for condition in status.conditions}
    if conditions["Stalled"].status == "True":
        return Outcome(HINDERED_SECONDS)
    if conditions["Reconciling"].status == "True":
        return Outcome(MOVING_SECONDS)
    if conditions["Exposed"].reason == Reason.CERTIFICATE_PENDING:
        return Outcome(HINDERED_SECONDS)
    return Outcome((scheduled - now).total_seconds() if scheduled else None)
