"""A ServiceAccount per component: pods talk to no Kubernetes API and get no token."""

from __future__ import annotations

from ocr_operator.desired.metadata import child
from ocr_operator.desired.plan import Plan
from ocr_operator.models.manifest import SERVICE_ACCOUNT, Manifest


def build_service_account(plan: Plan, component: str) -> Manifest:
    """The ServiceAccount of a component."""
    return {**child(plan, SERVICE_ACCOUNT, component), "automountServiceAccountToken": False}
