"""A PodDisruptionBudget per component that can spare a pod."""

from __future__ import annotations

from ocr_operator.desired.metadata import child, selector
from ocr_operator.desired.plan import Plan
from ocr_operator.models.manifest import POD_DISRUPTION_BUDGET, Manifest

MIN_REPLICAS = 2


def build_disruption_budget(plan: Plan, component: str) -> Manifest | None:
    """maxUnavailable 1, from two replicas on: else it can block a node's drain (kubernetes#66811)."""
    if plan.replicas(component) < MIN_REPLICAS:
        return None
    manifest = child(plan, POD_DISRUPTION_BUDGET, component)
    manifest["spec"] = {
        "maxUnavailable": 1,
        "selector": {"matchLabels": selector(plan.service.metadata.name, component)},
        # Pods that crash anyway must not hold a node.
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
    }
    return manifest
