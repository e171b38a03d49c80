"""Services: the gateway's for clients, the model servers' headless one for the gateway."""

from __future__ import annotations

from typing import Any

from ocr_operator.desired.deployment import PORT, PORT_NAME, SERVICE_PORTS, TLS_PORT_NAME
from ocr_operator.desired.metadata import child, selector
from ocr_operator.desired.plan import Plan
from ocr_operator.models.manifest import SERVICE, Manifest
from ocr_operator.models.names import GATEWAY


def port_name(plan: Plan) -> str:
    """Name of the gateway's port: what it speaks."""
    return TLS_PORT_NAME if plan.service.spec.gateway.tls else PORT_NAME


def port_number(plan: Plan) -> int:
    """Port of the gateway's Service."""
    return plan.service.spec.expose.service.port or SERVICE_PORTS[port_name(plan)]


def build_gateway_service(plan: Plan) -> Manifest:
    """Where clients send pages."""
    expose = plan.service.spec.expose.service
    name = port_name(plan)
    port: dict[str, Any] = {
        "name": name,
        "port": port_number(plan),
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
    if expose.load_balancer_class is not None:
        manifest["spec"]["loadBalancerClass"] = expose.load_balancer_class
    if expose.load_balancer_source_ranges:
        manifest["spec"]["loadBalancerSourceRanges"] = list(expose.load_balancer_source_ranges)
    if expose.external_traffic_policy is not None:
        manifest["spec"]["externalTrafficPolicy"] = expose.external_traffic_policy
    return manifest


def build_model_server_service(plan: Plan, slot: str) -> Manifest:
    """Headless: the gateway balances requests over the pods itself; kube-proxy would balance connections."""
    manifest = child(plan, SERVICE, slot)
    manifest["spec"] = {
        "type": "ClusterIP",
        "clusterIP": "None",
        "selector": selector(plan.service.metadata.name, slot),
        "ports": [{"name": PORT_NAME, "port": PORT, "targetPort": PORT_NAME, "protocol": "TCP"}],
    }
    return manifest
