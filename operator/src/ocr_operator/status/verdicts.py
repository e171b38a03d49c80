"""Conditions, each by a function of its own over the same view."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from ocr_operator.desired.accept import Refusal
from ocr_operator.models.names import COMPONENTS, GATEWAY, MODEL_SERVER
from ocr_operator.models.status import ConditionStatus, ConditionType
from ocr_operator.status.failures import Failure
from ocr_operator.status.observation import Observation
from ocr_operator.status.rollout import Rollout

TITLES: Final = {GATEWAY: "gateways", MODEL_SERVER: "model servers"}


class Verdict(NamedTuple):
    """Status, reason and message of one condition."""

    status: ConditionStatus
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class View:
    """What the verdicts look at."""

    seen: Observation
    rollouts: Mapping[str, Rollout]
    failure: Failure | None
    url: str | None

    @property
    def complete(self) -> bool:
        """Whether every component runs as asked."""
        return all(rollout.complete for rollout in self.rollouts.values())

    @property
    def serving(self) -> bool:
        """Whether a page sent now is read."""
        return all(self.rollouts[component].available for component in COMPONENTS)

    @property
    def obstacle(self) -> Refusal | None:
        """What keeps the accepted spec from being rolled out until someone acts."""
        if self.seen.troubles:
            return self.seen.troubles[0]
        if self.complete:
            return None
        for component in COMPONENTS:
            if refused := self.rollouts[component].refused:
                return Refusal("FailedCreate", f"{TITLES[component]}: {refused}")
        if self.failure is not None and self.failure.blocking:
            return Refusal(self.failure.reason, _say(self.failure))
        for component in COMPONENTS:
            if stuck := self.rollouts[component].stuck:
                return Refusal("ProgressDeadlineExceeded", f"{TITLES[component]}: {stuck}")
        return None

    @property
    def hindrance(self) -> Refusal | None:
        """What needs a person's hand: a refused spec before a failing roll-out."""
        return self.seen.refusals[0] if self.seen.refusals else self.obstacle

    @property
    def progress(self) -> str:
        """Pods ready of pods wanted, in words."""
        return ", ".join(
            f"{self.rollouts[c].ready} of {self.rollouts[c].desired} {TITLES[c]} ready" for c in COMPONENTS
        )


def _spec_accepted(view: View) -> Verdict:
    if view.seen.refusals:
        message = "; ".join(refusal.message for refusal in view.seen.refusals)
        return Verdict("False", view.seen.refusals[0].reason, message)
    return Verdict("True", "Accepted", "the spec is accepted")


def _available(component: str) -> Callable[[View], Verdict]:
    def verdict(view: View) -> Verdict:
        rollout, title = view.rollouts[component], TITLES[component]
        message = f"{rollout.available} of {rollout.desired} {title} available"
        if rollout.available:
            return Verdict("True", "Available", message)
        if view.seen.service.spec.suspend:
            return Verdict("False", "Suspended", "spec.suspend is true")
        return Verdict("False", "ScaledToZero" if rollout.complete else "Unavailable", message)

    return verdict


def _exposed(view: View) -> Verdict:
    if view.url is not None:
        return Verdict("True", "AddressKnown", f"send pages to {view.url}")
    if view.seen.gateway_service() is None:
        return Verdict("False", "ServiceMissing", "the gateway's Service does not exist yet")
    return Verdict("False", "AddressPending", "the load balancer has given no address yet")


def _rollout_healthy(view: View) -> Verdict:
    if view.obstacle is not None:
        return Verdict("False", view.obstacle.reason, view.obstacle.message)
    if view.complete:
        return Verdict("True", "Complete", view.progress)
    return Verdict("True", "Progressing", view.progress)


def _dependencies(view: View) -> Verdict:
    mode = view.seen.service.spec.observability.service_monitor.mode
    if view.seen.service_monitors or mode == "Disabled":
        return Verdict("True", "Present", "all that the spec asks for is installed")
    if mode == "Enabled":
        message = "the ServiceMonitor CRD is not installed; install it or set serviceMonitor.mode to Auto"
        return Verdict("False", "ServiceMonitorMissing", message)
    return Verdict("True", "OptionalMissing", "no ServiceMonitor is made: its CRD is not installed")


def _stalled(view: View) -> Verdict:
    if view.hindrance is not None:
        return Verdict("True", view.hindrance.reason, view.hindrance.message)
    return Verdict("False", "NotStalled", "nothing needs a person's hand")


def _reconciling(view: View) -> Verdict:
    if view.complete or view.hindrance is not None:
        return Verdict("False", "Idle", "nothing is being rolled out")
    return Verdict("True", "Progressing", view.progress)


def _ready(view: View) -> Verdict:
    """The first check that has something to say decides."""
    checks = (_serving, _hindered, _suspended, _unreachable, _scaled_to_zero, _failing)
    for check in checks:
        if (verdict := check(view)) is not None:
            return verdict
    return Verdict("False", "Starting", view.progress)


def _serving(view: View) -> Verdict | None:
    if not view.serving or view.url is None:
        return None
    if view.hindrance is not None:
        return Verdict("True", "ServingPreviousRevision", view.hindrance.message)
    return Verdict("True", "Serving", view.progress)


def _hindered(view: View) -> Verdict | None:
    hindrance = view.hindrance
    return None if hindrance is None else Verdict("False", hindrance.reason, hindrance.message)


def _suspended(view: View) -> Verdict | None:
    if not view.seen.service.spec.suspend:
        return None
    return Verdict("False", "Suspended", "spec.suspend is true; set it to false to serve")


def _unreachable(view: View) -> Verdict | None:
    return Verdict("False", *_exposed(view)[1:]) if view.serving else None


def _scaled_to_zero(view: View) -> Verdict | None:
    if not any(rollout.complete and not rollout.desired for rollout in view.rollouts.values()):
        return None
    return Verdict("False", "ScaledToZero", "a component has 0 replicas; raise them to serve")


def _failing(view: View) -> Verdict | None:
    failure = view.failure
    return Verdict("False", failure.reason, _say(failure)) if failure and failure.active else None


def _say(failure: Failure) -> str:
    place = (
        f"container {failure.container} of pod {failure.pod}" if failure.container else f"pod {failure.pod}"
    )
    code = "" if failure.exit_code is None else f" (exit code {failure.exit_code})"
    return f"{place}: {failure.reason}{code}" + (f": {failure.message}" if failure.message else "")


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
    "DependenciesPresent": _dependencies,
}
