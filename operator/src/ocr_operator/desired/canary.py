"""How large a candidate is: fixed, never an autoscaler's (kubernetes#72775)."""

from __future__ import annotations

from ocr_operator.desired.plan import Plan
from ocr_operator.models.revisions import Candidate
from ocr_operator.models.rollout import Canary


def canary_of(plan: Plan) -> Canary:
    """How a candidate is tried."""
    return plan.service.spec.rollout.canary or Canary()


def candidate_size(plan: Plan, candidate: Candidate) -> int:
    """Pods of a candidate: its part by weight, rounded up; all of them before it takes over."""
    canary = canary_of(plan)
    if candidate.step > len(canary.steps):
        return plan.full
    return canary.replicas or max(1, -(-plan.full * canary.steps[candidate.step - 1].weight // 100))
