"""Kinds of CRDs that a spec makes use of, which a cluster may lack."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ocr_operator.models.manifest import HTTP_ROUTE, SERVICE_MONITOR, Kind
from ocr_operator.models.service import OCRService


@dataclass(frozen=True, slots=True)
class Dependency:
    """A kind that a field makes use of; unless it is `required`, the service is whole without it."""

    kind: Kind
    field: str
    required: bool


def dependencies(service: OCRService) -> Iterator[Dependency]:
    """What the spec makes use of, installed or not."""
    mode = service.spec.observability.service_monitor.mode
    if mode != "Disabled":
        field = f"spec.observability.serviceMonitor.mode: {mode}"
        yield Dependency(SERVICE_MONITOR, field, required=mode == "Enabled")
    if service.spec.expose.gateway_api is not None:
        yield Dependency(HTTP_ROUTE, "spec.expose.gatewayAPI", required=True)
