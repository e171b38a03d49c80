"""All children of an OCRService, in the order in which they are applied."""

from __future__ import annotations

from collections.abc import Iterator

from ocr_operator.desired.autoscaler import build_autoscaler
from ocr_operator.desired.disruption_budget import build_disruption_budget
from ocr_operator.desired.gateway import build_gateway
from ocr_operator.desired.metadata import child_name
from ocr_operator.desired.model_server import build_model_server
from ocr_operator.desired.network_policy import build_network_policy
from ocr_operator.desired.plan import Plan
from ocr_operator.desired.revision import revision
from ocr_operator.desired.routes import build_http_route, build_ingress
from ocr_operator.desired.service_account import build_service_account
from ocr_operator.desired.service_monitor import build_service_monitor
from ocr_operator.desired.services import build_gateway_service, build_model_server_service
from ocr_operator.models.manifest import DEPLOYMENT, Manifest, Ref
from ocr_operator.models.names import COMPONENTS, GATEWAY


def build(plan: Plan) -> tuple[Manifest, ...]:
    """The manifests of all children that the plan wants."""
    wanted: tuple[Manifest | None, ...] = (
        *(build_service_account(plan, component) for component in COMPONENTS),
        # Before the pods: none of them is ever open.
        *(build_network_policy(plan, component) for component in (GATEWAY, *plan.slots)),
        *(build_model_server_service(plan, slot) for slot in plan.slots),
        build_gateway_service(plan),
        *(build_model_server(plan, slot) for slot in _slots(plan)),
        build_gateway(plan),
        *(build_autoscaler(plan, component) for component in COMPONENTS),
        *(build_disruption_budget(plan, component) for component in (GATEWAY, plan.revisions.slot)),
        build_service_monitor(plan),
        build_ingress(plan),
        build_http_route(plan),
    )
    return tuple(manifest for manifest in wanted if manifest is not None)


def kept(plan: Plan) -> frozenset[Ref]:
    """Children that stay as they are: the stable Deployment, while another revision is asked for.

    Nothing but the live object knows its template.
    """
    if _stable_is_asked(plan):
        return frozenset()
    service = plan.service.metadata
    return frozenset({Ref(DEPLOYMENT, service.namespace, child_name(service.name, plan.revisions.slot))})


def _slots(plan: Plan) -> Iterator[str]:
    """Where the revision that is asked for runs."""
    if _stable_is_asked(plan):
        yield plan.revisions.slot
    if plan.revisions.candidate:
        yield plan.revisions.other


def _stable_is_asked(plan: Plan) -> bool:
    return plan.revisions.stable in (None, revision(plan))
