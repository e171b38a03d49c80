"""Services: the gateway's for clients, the model servers' headless one for the gateway."""

from __future__ import annotations

from typing import Any

from ocr_operator.desired.deployment import PORT, PORT_NAME, SERVICE_PORTS, TLS_PORT_NAME
from ocr_operator.desired.metadata import child, selector
from ocr_operator.desired.plan import Plan
from ocr_operator.models.manifest import SERVICE, Manifest
from ocr_operator.models.names import GATEWAY, MODEL_SERVER


def build_gateway_service(plan: Plan) -> Manifest:
    """Where clients send pages."""
    spec = plan.service.spec
    expose = spec.expose.service
    name = TLS_PORT_NAME if spec.gateway.tls else PORT_NAME
    port: dict[str, Any] = {
        "name": name,
        "port": SERVICE_PORTS[name] if expose.port is None else expose.port,
        "targetPort": name,
        "protocol": "TCP",
    }
    if expose.node_port is not None:
        port["nodePort"] = expose.node_port
    manifest = child(plan, SERVICE, GATEWAY, expose.annotations)
    manifest["spec"] = {
        "type": expose.type,
        "selector": selector(plan.service.metadata.name, GATEWAY),
        "ports": [port],
    }
    return manifest


def build_model_server_service(plan: Plan) -> Manifest:
    """Headless: the gateway balances requests over the pods itself; kube-proxy would balance connections."""
    manifest = child(plan, SERVICE, MODEL_SERVER)
    manifest["spec"] = {
        "type": "ClusterIP",
        "clusterIP": "None",
        "selector": selector(plan.service.metadata.name, MODEL_SERVER),
        "ports": [{"name": PORT_NAME, "port": PORT, "targetPort": PORT_NAME, "protocol": "TCP"}],
    }
    return manifest
