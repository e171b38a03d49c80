"""Conditions, each by a function of its own over the same view."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from ocr_operator.desired.accept import Refusal
from ocr_operator.desired.dependencies import dependencies
from ocr_operator.desired.upgrades import is_upgrading
from ocr_operator.models.manifest import HORIZONTAL_POD_AUTOSCALER
from ocr_operator.models.names import COMPONENTS, GATEWAY, MODEL_SERVER
from ocr_operator.models.reasons import MISSING, Passed, Reason
from ocr_operator.models.status import ConditionStatus, ConditionType
from ocr_operator.status import canary
from ocr_operator.status.autoscaler import scaling
from ocr_operator.status.exposure import Exposure
from ocr_operator.status.failures import Failure, describe
from ocr_operator.status.observation import Observation
from ocr_operator.status.rollout import Rollout
from ocr_operator.status.upgrades import up_to_date

# The worst first.
STATUSES: Final[Sequence[ConditionStatus]] = ("False", "Unknown", "True")
TITLES: Final = {GATEWAY: "gateways", MODEL_SERVER: "model servers"}


class Verdict(NamedTuple):
    """Status, reason and message of one condition."""

    status: ConditionStatus
    reason: Reason | Passed
    message: str


@dataclass(frozen=True, slots=True)
class View:
    """What the verdicts look at."""

    seen: Observation
    rollouts: Mapping[str, Rollout]
    failure: Failure | None
    exposure: Exposure

    @property
    def complete(self) -> bool:
        """Whether every component runs as asked, and no revision is being tried."""
        return self.seen.revisions.candidate is None and all(r.complete for r in self.rollouts.values())

    @property
    def serving(self) -> bool:
        """Whether a page sent now is read."""
        return all(self.rollouts[component].available for component in COMPONENTS)

    @property
    def obstacle(self) -> Refusal | None:
        """What keeps the accepted spec from being rolled out until someone acts."""
        if self.seen.troubles:
            first, *others = self.seen.troubles
            return replace(first, message=f"{first.message} ({len(others)} more)") if others else first
        if not self.complete and (stuck := self._stuck):
            return stuck
        failed = self.seen.revisions.failed
        return Refusal(Passed(failed.reason), failed.message) if failed else None

    @property
    def _stuck(self) -> Refusal | None:
        """Why pods don't come up."""
        for component in COMPONENTS:
            if refused := self.rollouts[component].refused:
                return Refusal(Reason.FAILED_CREATE, f"{TITLES[component]}: {refused}")
        if self.failure is not None and self.failure.blocking:
            return Refusal(Passed(self.failure.reason), describe(self.failure))
        for component in COMPONENTS:
            if stuck := self.rollouts[component].stuck:
                return Refusal(Reason.PROGRESS_DEADLINE_EXCEEDED, f"{TITLES[component]}: {stuck}")
        return None

    @property
    def hindrance(self) -> Refusal | None:
        """What needs a person's hand: a refused spec before a failing roll-out."""
        return self.seen.refusals[0] if self.seen.refusals else self.obstacle

    @property
    def progress(self) -> str:
        """Where a candidate stands, else pods ready of pods wanted, in words."""
        if candidate := self.seen.revisions.candidate:
            return canary.progress(self.seen.service, candidate)
        return ", ".join(
            f"{self.rollouts[c].ready} of {self.rollouts[c].desired} {TITLES[c]} ready" for c in COMPONENTS
        )


def _spec_accepted(view: View) -> Verdict:
    if view.seen.refusals:
        message = "; ".join(refusal.message for refusal in view.seen.refusals)
        return Verdict("False", view.seen.refusals[0].reason, message)
    return Verdict("True", Reason.ACCEPTED, "the spec is accepted")


def _available(component: str) -> Callable[[View], Verdict]:
    def verdict(view: View) -> Verdict:
        rollout, title = view.rollouts[component], TITLES[component]
        message = f"{rollout.available} of {rollout.desired} {title} available"
        if rollout.available:
            return Verdict("True", Reason.AVAILABLE, message)
        if view.seen.service.spec.suspend:
            return Verdict("False", Reason.SUSPENDED, "spec.suspend is true")
        return Verdict("False", Reason.SCALED_TO_ZERO if rollout.complete else Reason.UNAVAILABLE, message)

    return verdict


def _exposed(view: View) -> Verdict:
    exposure = view.exposure
    return Verdict("False" if exposure.url is None else "True", exposure.reason, exposure.message)


def _rollout_healthy(view: View) -> Verdict:
    if view.obstacle is not None:
        return Verdict("False", view.obstacle.reason, view.obstacle.message)
    if view.complete:
        return Verdict("True", Reason.COMPLETE, view.progress)
    return Verdict("True", Reason.PROGRESSING, view.progress)


def _autoscaling_active(view: View) -> Verdict:
    spec = view.seen.service.spec
    asked = {GATEWAY: spec.gateway.autoscaling, MODEL_SERVER: spec.model_server.autoscaling}
    live = {name: view.seen.child(HORIZONTAL_POD_AUTOSCALER, name) for name in COMPONENTS}
    # What a refused spec left running still scales.
    found = {n: scaling(live[n]) for n in COMPONENTS if asked[n] or (view.seen.refusals and live[n])}
    if not found:
        return Verdict("False", Reason.DISABLED, "the spec asks for no autoscaling")
    if spec.suspend:
        return Verdict("False", Reason.SUSPENDED, "spec.suspend is true")
    worst = min(found, key=lambda name: (STATUSES.index(found[name].status), found[name].reason == "Active"))
    status, reason, message = found[worst]
    return Verdict(status, reason, f"{TITLES[worst]}: {message}")


def _dependencies(view: View) -> Verdict:
    missing = [need for need in dependencies(view.seen.service) if need.kind not in view.seen.served]
    for need in sorted(missing, key=lambda need: not need.required):
        kind = need.kind.kind
        if need.required:
            message = f"{need.field}: the CRD of {kind} is not installed; install it or take the field out"
            return Verdict("False", MISSING[need.kind], message)
        return Verdict("True", Reason.OPTIONAL_MISSING, f"no {kind} is made: its CRD is not installed")
    return Verdict("True", Reason.PRESENT, "all that the spec asks for is installed")


def _stalled(view: View) -> Verdict:
    if view.hindrance is not None:
        return Verdict("True", view.hindrance.reason, view.hindrance.message)
    return Verdict("False", Reason.NOT_STALLED, "nothing needs a person's hand")


def _reconciling(view: View) -> Verdict:
    if view.complete or view.hindrance is not None:
        return Verdict("False", Reason.IDLE, "nothing is being rolled out")
    reason = Reason.UPGRADING if is_upgrading(view.seen.service) else Reason.PROGRESSING
    return Verdict("True", reason, view.progress)


def _up_to_date(view: View) -> Verdict:
    at_rest = view.complete and view.hindrance is None and _ready(view).status == "True"
    return Verdict(*up_to_date(view.seen, at_rest=at_rest))


def _ready(view: View) -> Verdict:
    """The first check that has something to say decides."""
    checks = (_serving, _hindered, _suspended, _unreachable, _scaled_to_zero, _failing)
    for check in checks:
        if (verdict := check(view)) is not None:
            return verdict
    return Verdict("False", Reason.STARTING, view.progress)


def _serving(view: View) -> Verdict | None:
    if not view.serving or view.exposure.url is None:
        return None
    if view.hindrance is not None:
        return Verdict("True", Reason.SERVING_PREVIOUS_REVISION, view.hindrance.message)
    return Verdict("True", Reason.SERVING, view.progress)


def _hindered(view: View) -> Verdict | None:
    hindrance = view.hindrance
    return None if hindrance is None else Verdict("False", hindrance.reason, hindrance.message)


def _suspended(view: View) -> Verdict | None:
    if not view.seen.service.spec.suspend:
        return None
    return Verdict("False", Reason.SUSPENDED, "spec.suspend is true; set it to false to serve")


def _unreachable(view: View) -> Verdict | None:
    return _exposed(view) if view.serving else None


def _scaled_to_zero(view: View) -> Verdict | None:
    if not any(rollout.complete and not rollout.desired for rollout in view.rollouts.values()):
        return None
    return Verdict("False", Reason.SCALED_TO_ZERO, "a component has 0 replicas; raise them to serve")


def _failing(view: View) -> Verdict | None:
    failure = view.failure
    return Verdict("False", Passed(failure.reason), describe(failure)) if failure and failure.active else None


# Polarity as kstatus reads it: Reconciling and Stalled are the only ones where True is not the good state.
VERDICTS: Final[Mapping[ConditionType, Callable[[View], Verdict]]] = {
    "Ready": _ready,
    "Reconciling": _reconciling,
    "Stalled": _stalled,
    "SpecAccepted": _spec_accepted,
    "ModelServerAvailable": _available(MODEL_SERVER),
    "GatewayAvailable": _available(GATEWAY),
    "Exposed": _exposed,
    "RolloutHealthy": _rollout_healthy,
    "AutoscalingActive": _autoscaling_active,
    "DependenciesPresent": _dependencies,
    "UpToDate": _up_to_date,
}
