"""Names, labels and owner of every child, in one place.

Labels of the OCRService are never copied: with its tracking label on them, Argo CD would prune the children.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ocr_operator.desired.plan import Plan
from ocr_operator.models.manifest import Kind, Manifest
from ocr_operator.models.names import (
    API_VERSION,
    COMPONENT_LABEL,
    KIND,
    MANAGED_BY_LABEL,
    MANAGER,
    MODEL_SERVER,
    SERVICE_LABEL,
    SLOTS,
)


def child_name(service: str, component: str) -> str:
    """Name of a component's children."""
    return f"{service}-{component}"


def owned_labels(service: str) -> dict[str, str]:
    """What the operator finds all children of one OCRService by."""
    return {SERVICE_LABEL: service, MANAGED_BY_LABEL: MANAGER}


def selector(service: str, component: str) -> dict[str, str]:
    """Pods of a component or slot. A Deployment's selector is immutable: nothing else may ever enter here."""
    return {SERVICE_LABEL: service, COMPONENT_LABEL: component}


def labels(plan: Plan, component: str | None) -> dict[str, str]:
    """The recommended labels: https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/."""
    name = plan.service.metadata.name
    program = MODEL_SERVER if component in SLOTS else component
    own = {
        "app.kubernetes.io/name": "ocr-service" if program is None else f"ocr-{program}",
        "app.kubernetes.io/instance": name,
        "app.kubernetes.io/part-of": "kubeocr",
        "app.kubernetes.io/version": plan.operand.version,
        **owned_labels(name),
    }
    return own if component is None else {**own, COMPONENT_LABEL: component}


def child(
    plan: Plan, kind: Kind, component: str | None, annotations: Mapping[str, str] | None = None
) -> Manifest:
    """The head of a child's manifest: kind, name, labels and the OCRService as controlling owner."""
    service = plan.service.metadata
    metadata: dict[str, Any] = {
        "name": service.name if component is None else child_name(service.name, component),
        "namespace": service.namespace,
        "labels": labels(plan, component),
        "ownerReferences": [
            {
                "apiVersion": API_VERSION,
                "kind": KIND,
                "name": service.name,
                "uid": service.uid,
                "controller": True,
                "blockOwnerDeletion": True,
            }
        ],
    }
    if annotations:
        metadata["annotations"] = dict(annotations)
    return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata}
