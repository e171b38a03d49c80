"""The ways in from outside the cluster: an Ingress, or an HTTPRoute when the cluster knows the kind."""

from __future__ import annotations

from ocr_operator.desired.metadata import child, child_name
from ocr_operator.desired.plan import Plan
from ocr_operator.desired.services import port_name, port_number
from ocr_operator.models.manifest import HTTP_ROUTE, INGRESS, Manifest
from ocr_operator.models.names import GATEWAY


def build_ingress(plan: Plan) -> Manifest | None:
    """Every path of the host goes to the gateway's Service."""
    wanted = plan.service.spec.expose.ingress
    if wanted is None:
        return None
    name = child_name(plan.service.metadata.name, GATEWAY)
    backend = {"service": {"name": name, "port": {"name": port_name(plan)}}}
    manifest = child(plan, INGRESS, GATEWAY, wanted.annotations)
    manifest["spec"] = {
        "rules": [
            {
                "host": wanted.host,
                "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]},
            }
        ]
    }
    if wanted.class_name is not None:
        manifest["spec"]["ingressClassName"] = wanted.class_name
    if wanted.tls_secret_ref is not None:
        manifest["spec"]["tls"] = [{"hosts": [wanted.host], "secretName": wanted.tls_secret_ref.name}]
    return manifest


def build_http_route(plan: Plan) -> Manifest | None:
    """Every path of the hosts goes to the gateway's Service."""
    expose = plan.service.spec.expose
    if expose.gateway_api is None or HTTP_ROUTE not in plan.facts.served:
        return None
    name = child_name(plan.service.metadata.name, GATEWAY)
    manifest = child(plan, HTTP_ROUTE, GATEWAY)
    manifest["spec"] = {
        "parentRefs": [parent.dump() for parent in expose.gateway_api.parent_refs],
        "hostnames": list(expose.gateway_api.hostnames),
        "rules": [{"backendRefs": [{"name": name, "port": port_number(plan)}]}],
    }
    return manifest
