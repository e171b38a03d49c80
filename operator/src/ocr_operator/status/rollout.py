"""What a Deployment says about its pods."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ocr_operator.models.manifest import Manifest


@dataclass(frozen=True, slots=True)
class Rollout:
    """Pods of one component; `stuck` and `refused` carry the Deployment's own words."""

    desired: int = 0
    ready: int = 0
    updated: int = 0
    available: int = 0
    image: str = ""
    complete: bool = False
    stuck: str | None = None
    refused: str | None = None


def rollout(deployment: Manifest | None) -> Rollout:
    """Read a live Deployment; numbers of an older generation count as not complete."""
    if deployment is None:
        return Rollout()
    spec, status = deployment["spec"], deployment.get("status") or {}
    desired = spec.get("replicas", 1)
    numbers = {name: status.get(f"{name}Replicas", 0) for name in ("ready", "updated", "available")}
    seen = status.get("observedGeneration", 0) >= deployment["metadata"].get("generation", 0)
    return Rollout(
        desired=desired,
        ready=numbers["ready"],
        updated=numbers["updated"],
        available=numbers["available"],
        image=spec["template"]["spec"]["containers"][0]["image"],
        complete=seen and status.get("replicas", 0) == numbers["updated"] == numbers["available"] == desired,
        stuck=_message(status, "Progressing", "False") if seen else None,
        refused=_message(status, "ReplicaFailure", "True"),
    )


def _message(status: dict[str, Any], kind: str, value: str) -> str | None:
    for condition in status.get("conditions") or ():
        if condition["type"] == kind and condition["status"] == value:
            return str(condition.get("message") or condition.get("reason") or kind)
    return None
