"""What a HorizontalPodAutoscaler says about itself, in words for people.

Of its conditions only the reasons count: their messages name pods and figures, and each would be a write.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from ocr_operator.models.reasons import Passed, Reason
from ocr_operator.models.status import ConditionStatus

# By the reason of the condition ScalingActive.
ADVICE: Final = {
    "FailedGetResourceMetric": "nobody tells the pods' CPU and memory; install metrics-server if the cluster "
    "has none (pods are told of a minute after their start)",
    "FailedGetObjectMetric": "nobody tells the custom metric ocr_gateway_pages_waiting; install an adapter "
    "that does, such as prometheus-adapter, or scale by CPU",
}


class Scaling(NamedTuple):
    """Whether the number of pods follows the load, why, and what to do if not."""

    status: ConditionStatus
    reason: Reason | Passed
    message: str


PENDING: Final = Scaling("Unknown", Reason.PENDING, "Kubernetes has not looked at the load yet")


def scaling(autoscaler: Mapping[str, Any] | None) -> Scaling:
    """Read a live HorizontalPodAutoscaler."""
    if autoscaler is None:
        return PENDING
    conditions = {each["type"]: each for each in (autoscaler.get("status") or {}).get("conditions") or ()}
    for kind in ("AbleToScale", "ScalingActive"):
        if kind not in conditions:
            return PENDING
        if conditions[kind]["status"] == "False":
            return _failing(autoscaler["metadata"]["name"], str(conditions[kind].get("reason") or kind))
    if conditions.get("ScalingLimited", {}).get("reason") == "TooManyReplicas":
        most = autoscaler["spec"]["maxReplicas"]
        return Scaling("True", Reason.AT_MAXIMUM, f"the load asks for more pods than maxReplicas, {most}")
    return Scaling("True", Reason.ACTIVE, "the number of pods follows the load")


def _failing(name: str, reason: str) -> Scaling:
    advice = ADVICE.get(reason, "the number of pods stays as it is")
    return Scaling("False", Passed(reason), f"{advice}; `kubectl describe hpa {name}` says more")
