"""All children of an OCRService, in the order in which they are applied."""

from __future__ import annotations

from ocr_operator.desired.disruption_budget import build_disruption_budget
from ocr_operator.desired.gateway import build_gateway
from ocr_operator.desired.model_server import build_model_server
from ocr_operator.desired.plan import Plan
from ocr_operator.desired.service_account import build_service_account
from ocr_operator.desired.service_monitor import build_service_monitor
from ocr_operator.desired.services import build_gateway_service, build_model_server_service
from ocr_operator.models.manifest import Manifest
from ocr_operator.models.names import COMPONENTS


def build(plan: Plan) -> tuple[Manifest, ...]:
    """The manifests of all children that the plan wants."""
    wanted: tuple[Manifest | None, ...] = (
        *(build_service_account(plan, component) for component in COMPONENTS),
        build_model_server_service(plan),
        build_gateway_service(plan),
        build_model_server(plan),
        build_gateway(plan),
        *(build_disruption_budget(plan, component) for component in COMPONENTS),
        build_service_monitor(plan),
    )
    return tuple(manifest for manifest in wanted if manifest is not None)
