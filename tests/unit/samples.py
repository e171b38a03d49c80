"""OCRServices, operands and live objects for tests of pure code."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ocr_operator.desired.accept import Refusal
from ocr_operator.desired.build import build
from ocr_operator.desired.plan import Facts, Plan
from ocr_operator.desired.scales import build_scales
from ocr_operator.desired.upgrades import Line
from ocr_operator.models.manifest import OPTIONAL_KINDS, Kind, Manifest, ref
from ocr_operator.models.names import COMPONENT_LABEL, MODEL_SERVER
from ocr_operator.models.operands import Operands
from ocr_operator.models.service import OCRService, parse
from ocr_operator.status.observation import Observation

OPERANDS = Operands.model_validate(
    {
        "default": "0.1.0",
        "versions": [
            {
                "version": version,
                "gateway": f"ocr-gateway:{version}",
                "modelServer": f"ocr-modelserver:{version}",
                "models": [
                    {"name": "balanced", "sha256": "6" * 64, "languages": ["zh", "en", "de", "ja"]},
                    {"name": "ppocrv4", "sha256": "4" * 64, "languages": ["zh", "en"]},
                ],
            }
            for version in ("0.1.0", "0.2.0")
        ],
    }
)


# A Thursday.
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def ocr_service(
    spec: Mapping[str, Any] | None = None,
    *,
    status: Mapping[str, Any] | None = None,
    generation: int = 1,
    annotations: Mapping[str, str] | None = None,
) -> OCRService:
    """An OCRService `invoices` in the namespace `papers`."""
    metadata = {"name": "invoices", "namespace": "papers", "uid": "u-1", "generation": generation}
    metadata |= {"annotations": dict(annotations)} if annotations else {}
    return parse({"metadata": metadata, "spec": dict(spec or {}), "status": dict(status or {})})


def plan(
    spec: Mapping[str, Any] | None = None, *, served: frozenset[Kind] = frozenset(), now: datetime = NOW
) -> Plan:
    """The plan of an accepted service on the newest default operand."""
    operand = OPERANDS.find(OPERANDS.default)
    assert operand is not None
    return Plan(ocr_service(spec), operand, Facts(served=served), now)


def running(made: Plan, **numbers: Mapping[str, Any]) -> tuple[Manifest, ...]:
    """Children as a cluster has them once every pod is ready; `numbers` override a component's status."""
    scales = {ref(scale.manifest): scale.manifest["spec"]["replicas"] for scale in build_scales(made)}
    children = []
    for manifest in build(made):
        manifest["metadata"] |= {"uid": f"uid-{manifest['metadata']['name']}", "generation": 3}
        if (replicas := scales.get(ref(manifest))) is not None:
            component = manifest["metadata"]["labels"][COMPONENT_LABEL]
            manifest["spec"]["replicas"] = replicas
            counts = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
            status: dict[str, Any] = {"observedGeneration": 3} | dict.fromkeys(counts, replicas)
            manifest["status"] = status | dict(numbers.get(component.replace("-", "_"), {}))
        children.append(manifest)
    return tuple(children)


def pod(name: str, component: str = MODEL_SERVER, **status: Any) -> Manifest:
    """A live pod of a component."""
    return {
        "metadata": {
            "name": name,
            "labels": {COMPONENT_LABEL: component},
            "creationTimestamp": "2026-01-01T00:00:00Z",
        },
        "status": status,
    }


def container(**fields: Any) -> dict[str, Any]:
    """A container status."""
    return {"name": MODEL_SERVER, "ready": False, "restartCount": 0, **fields}


def look(
    service: OCRService,
    children: tuple[Manifest, ...] = (),
    *,
    pods: tuple[Manifest, ...] = (),
    refusals: tuple[Refusal, ...] = (),
    troubles: tuple[Refusal, ...] = (),
    served: frozenset[Kind] = OPTIONAL_KINDS,
    version: str = OPERANDS.default,
    line: Line | None = None,
) -> Observation:
    """An observation of that service."""
    return Observation(
        service=service,
        version=version,
        operands=OPERANDS,
        refusals=refusals,
        troubles=troubles,
        served=served,
        children=children,
        pods=pods,
        line=line,
    )
