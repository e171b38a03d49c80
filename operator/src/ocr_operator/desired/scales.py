"""How many pods a Deployment runs: fixed by the spec, or an autoscaler's between two bounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ocr_operator.desired.canary import candidate_size
from ocr_operator.desired.metadata import child_name
from ocr_operator.desired.plan import Plan
from ocr_operator.models.manifest import DEPLOYMENT, Manifest
from ocr_operator.models.names import COMPONENTS


@dataclass(frozen=True, slots=True)
class Scale:
    """The replicas of a Deployment, for a field manager of their own.

    `floor`: an autoscaler sets the number, and this is only its least. It takes the field over by changing
    it; until then ours stays. To apply it without the number would set that to 1 (kubernetes#94585).
    """

    manifest: Manifest
    floor: bool

    @property
    def owned(self) -> dict[str, Any]:
        """The members of the Deployment's spec that nobody else may change."""
        return {} if self.floor else dict(self.manifest["spec"])

    def within(self, deployment: Manifest) -> Manifest:
        """A manifest of the Deployment that has the number, for one that does not exist yet."""
        return {**deployment, "spec": deployment["spec"] | self.manifest["spec"]}

    def of(self, deployment: Manifest) -> Manifest:
        """What takes the number of a live Deployment over as it is."""
        return {**self.manifest, "spec": {"replicas": deployment["spec"].get("replicas", 1)}}

    def fits(self, deployment: Manifest) -> bool:
        """Whether a live Deployment needs no other number."""
        running, asked = deployment["spec"].get("replicas", 1), self.manifest["spec"]["replicas"]
        return bool(running >= asked if self.floor else running == asked)


def build_scales(plan: Plan) -> tuple[Scale, ...]:
    """The scale of each Deployment; that of a candidate is fixed."""
    running = not plan.service.spec.suspend
    scales = [
        _scale(plan, plan.place(c), plan.replicas(c), floor=running and plan.autoscaling(c) is not None)
        for c in COMPONENTS
    ]
    if candidate := plan.revisions.candidate:
        scales.append(_scale(plan, plan.revisions.other, candidate_size(plan, candidate), floor=False))
    return tuple(scales)


def _scale(plan: Plan, place: str, replicas: int, *, floor: bool) -> Scale:
    service = plan.service.metadata
    manifest = {
        "apiVersion": DEPLOYMENT.api_version,
        "kind": DEPLOYMENT.kind,
        "metadata": {"name": child_name(service.name, place), "namespace": service.namespace},
        "spec": {"replicas": replicas},
    }
    return Scale(manifest, floor)
