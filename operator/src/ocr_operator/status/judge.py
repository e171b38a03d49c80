"""The verdict on one OCRService. The same facts give the same status: no heartbeat, no counter of looks."""

from __future__ import annotations

from datetime import datetime

from ocr_operator.desired.metadata import selector
from ocr_operator.models.manifest import Manifest
from ocr_operator.models.names import COMPONENTS, MODEL_SERVER
from ocr_operator.models.reasons import Reason
from ocr_operator.models.revisions import Traffic
from ocr_operator.models.status import (
    Address,
    ComponentStatus,
    Condition,
    ConditionType,
    LastFailure,
    ModelStatus,
    Status,
    VersionStatus,
)
from ocr_operator.status.canary import traffic
from ocr_operator.status.exposure import exposure
from ocr_operator.status.failures import Failure, newest_failure
from ocr_operator.status.observation import Observation
from ocr_operator.status.rollout import Rollout, rollout
from ocr_operator.status.verdicts import VERDICTS, Verdict, View

MESSAGE_LENGTH = 4096


def judge(seen: Observation, *, operator_version: str, now: datetime) -> Status:
    """The status to be written; `now` only dates what changed."""
    rollouts = {component: rollout(seen.deployment(component)) for component in COMPONENTS}
    failures = {c: newest_failure(seen.pods_of(c)) for c in COMPONENTS}
    component = _worst(failures)
    failure = failures[component] if component else None
    view = View(seen, rollouts, failure, exposure(seen))
    return Status(
        observed_generation=seen.service.metadata.generation,
        conditions=tuple(
            _condition(seen, kind, verdict(view), _timestamp(now)) for kind, verdict in VERDICTS.items()
        ),
        profile=seen.service.profile,
        version=VersionStatus(operand=seen.runs, operator=operator_version, available=seen.available),
        replicas=_pods(seen.deployment(MODEL_SERVER)),
        selector=",".join(
            f"{k}={v}" for k, v in selector(seen.service.metadata.name, seen.revisions.slot).items()
        ),
        components=tuple(_component(name, rollouts[name]) for name in COMPONENTS),
        model=_model(seen),
        address=Address(url=view.exposure.url) if view.exposure.url else None,
        revisions=seen.revisions if seen.revisions.stable else None,
        traffic=_traffic(seen),
        last_failure=_last_failure(seen.service.status.last_failure, component, failure),
    )


def departing(status: Status, version: VersionStatus, now: datetime) -> Status:
    """The status of a service at rest that is about to move to another version.

    It is written before anything is done: from then on nobody takes the service for one at rest, whoever
    works.
    """
    reconciling = Condition(
        type="Reconciling",
        status="True",
        reason=Reason.UPGRADING,
        message=f"moves to version {version.operand}",
        last_transition_time=_timestamp(now),
        observed_generation=status.observed_generation or 0,
    )
    conditions = tuple(reconciling if each.type == "Reconciling" else each for each in status.conditions)
    return status.model_copy(update={"version": version, "conditions": conditions})


def _condition(seen: Observation, kind: ConditionType, verdict: Verdict, now: str) -> Condition:
    before = seen.service.status.condition(kind)
    same = before is not None and before.status == verdict.status
    return Condition(
        type=kind,
        status=verdict.status,
        reason=verdict.reason,
        message=verdict.message[:MESSAGE_LENGTH],
        last_transition_time=before.last_transition_time if same and before else now,
        observed_generation=seen.service.metadata.generation,
    )


def _timestamp(now: datetime) -> str:
    return now.strftime("%Y-%m-%dT%H:%M:%SZ")


def _worst(failures: dict[str, Failure | None]) -> str | None:
    found = [(f.blocking, f.active, f.since, component) for component, f in failures.items() if f]
    return max(found)[-1] if found else None


def _pods(deployment: Manifest | None) -> int:
    return int(((deployment or {}).get("status") or {}).get("replicas", 0))


def _component(name: str, seen: Rollout) -> ComponentStatus:
    return ComponentStatus(
        name=name,
        desired=seen.desired,
        ready=seen.ready,
        updated=seen.updated,
        summary=f"{seen.ready}/{seen.desired}",
        image=seen.image,
    )


def _model(seen: Observation) -> ModelStatus | None:
    asked = seen.service.spec.model
    entry = seen.operand.model(asked.name) if seen.operand else None
    if not seen.refusals and asked.sha256:
        return ModelStatus(name=asked.name, sha256=asked.sha256)
    if seen.refusals or entry is None:
        return seen.service.status.model
    return ModelStatus(name=entry.name, sha256=entry.sha256)


def _traffic(seen: Observation) -> tuple[Traffic, ...] | None:
    """A refused spec divides nothing anew."""
    if seen.refusals:
        return seen.service.status.traffic
    return tuple(traffic(seen.service, seen.revisions)) or None


def _last_failure(
    before: LastFailure | None, component: str | None, failure: Failure | None
) -> LastFailure | None:
    if component is None or failure is None:
        return None
    same = before is not None and (before.pod, before.container, before.reason, before.count) == (
        failure.pod,
        failure.container,
        failure.reason,
        failure.count,
    )
    if same:
        # The kubelet words one failure in turns; the first words stay, or every look would be a write.
        return before
    return LastFailure(
        component=component,
        pod=failure.pod,
        container=failure.container,
        reason=failure.reason,
        exit_code=failure.exit_code,
        message=failure.message,
        time=failure.since,
        count=failure.count,
    )
