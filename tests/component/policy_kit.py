"""Limits for tenants, and specs that keep to them or do not, with the words of each refusal."""

from typing import Any

from tests.unit.chart_kit import Values

Body = dict[str, Any]
LIMITS: Values = {
    "contact": "platform@example.com",
    "gateway": {"maxReplicas": 4, "maxCPU": "500m", "maxMemory": "3Gi"},
    "modelServer": {"maxReplicas": 10, "maxCPU": 4, "maxMemory": "2Gi"},
    "serviceTypes": ["ClusterIP", "NodePort"],
    "allowIngress": False,
    "allowGatewayAPI": False,
    "requireAuth": True,
    "requireTLS": True,
    "requireIsolation": True,
}
ASK = "; ask platform@example.com for an exception"
INGRESS = {"host": "ocr.example.com"}
ROUTE = {"parentRefs": [{"name": "edge"}], "hostnames": ["ocr.example.com"]}
SAFE: Body = {
    "gateway": {
        "auth": {"type": "APIKey", "secretRef": {"name": "keys"}},
        "tls": {"secretRef": {"name": "certificate"}},
    }
}
# Over every limit at once.
OFFENDER: Body = {
    "gateway": {"replicas": 8, "resources": {"limits": {"cpu": 2, "memory": "8Gi"}}},
    "modelServer": {"replicas": 20, "resources": {"requests": {"cpu": 8}}},
    "rollout": {"strategy": "Canary", "canary": {"replicas": 20}},
    "expose": {"service": {"type": "LoadBalancer"}, "ingress": INGRESS},
    "networkPolicy": {"mode": "Disabled"},
}


def scaled(most: int, *scheduled: int) -> Body:
    """Autoscaling to that many, and by schedules to those."""
    hours = {"timeZone": "UTC", "start": "08:00", "end": "18:00", "minReplicas": 2}
    schedules = [{"name": f"s{number}", **hours, "maxReplicas": number} for number in scheduled]
    return {"autoscaling": {"maxReplicas": most, "schedules": schedules}}


def resources(cpu: str | int | None = None, memory: str | None = "1Gi", *, of: str = "limits") -> Body:
    """The resources of one pod; `of` is where the CPU stands."""
    amounts: dict[str, Any] = {"limits": {"memory": memory} if memory else {}, "requests": {}}
    if cpu is not None:
        amounts[of]["cpu"] = cpu
    return {"resources": amounts}


def canary(replicas: int) -> Body:
    """A canary of that many pods."""
    return {"rollout": {"strategy": "Canary", "canary": {"replicas": replicas}}}


def gateway(of: Body) -> Body:
    """A spec that says this of its gateways."""
    return {"gateway": of}


def servers(of: Body) -> Body:
    """A spec that says this of its model servers."""
    return {"modelServer": of}


def expose(**ways: Any) -> Body:
    """A spec that exposes the gateway."""
    return {"expose": ways}


GATEWAYS = "spec.gateway.replicas may be at most 4 here (2 when absent)"
GATEWAYS_SCALED = "spec.gateway.autoscaling.maxReplicas, and that of its schedules, may be at most 4 here"
GATEWAY_CPU = (
    "spec.gateway.resources.limits.cpu, or requests.cpu without it, may be at most 500m here "
    "(100m when resources is absent)"
)
GATEWAY_MEMORY = (
    "spec.gateway.resources.limits.memory must be set, and at most 3Gi here (2Gi when resources is absent)"
)
SERVERS = "spec.modelServer.replicas may be at most 10 here (2 when absent)"
SERVERS_SCALED = "spec.modelServer.autoscaling.maxReplicas, and that of its schedules, may be at most 10 here"
SERVER_CPU = (
    "spec.modelServer.resources.limits.cpu, or requests.cpu without it, may be at most 4 here "
    "(1 when resources is absent)"
)
SERVER_MEMORY = (
    "spec.modelServer.resources.limits.memory must be set, and at most 2Gi here "
    "(1Gi when resources is absent)"
)
CANARY = "spec.rollout.canary.replicas may be at most 10 here"
TYPE = "spec.expose.service.type must be ClusterIP or NodePort here (ClusterIP when absent)"
REFUSED: list[tuple[Body, str]] = [
    (gateway({"replicas": 5}), GATEWAYS),
    (gateway(scaled(5)), GATEWAYS_SCALED),
    (gateway(scaled(4, 4, 5)), GATEWAYS_SCALED),
    (gateway(resources("501m")), GATEWAY_CPU),
    (gateway(resources(1, of="requests")), GATEWAY_CPU),
    (gateway(resources(memory="3.1Gi")), GATEWAY_MEMORY),
    (gateway(resources(memory=None)), GATEWAY_MEMORY),
    (servers({"replicas": 11}), SERVERS),
    (servers(scaled(11)), SERVERS_SCALED),
    (servers(scaled(2, 11)), SERVERS_SCALED),
    (servers(resources(5)), SERVER_CPU),
    (servers(resources("4001m", of="requests")), SERVER_CPU),
    (servers(resources(memory="2049Mi")), SERVER_MEMORY),
    (servers(resources(memory="0")), SERVER_MEMORY),
    (canary(11), CANARY),
    (expose(service={"type": "LoadBalancer"}), TYPE),
    (expose(ingress=INGRESS), "spec.expose.ingress is not allowed here"),
    (expose(gatewayAPI=ROUTE), "spec.expose.gatewayAPI is not allowed here"),
    (
        gateway({"auth": {"type": "None", "secretRef": None}}),
        "spec.gateway.auth.type must be APIKey or JWT here (None when absent)",
    ),
    (gateway({"tls": None}), "spec.gateway.tls must be set here"),
    (
        {"networkPolicy": {"mode": "Disabled"}},
        "spec.networkPolicy.mode must be Isolated here (Isolated when absent)",
    ),
]
TAKEN: list[Body] = [
    {},
    gateway({"replicas": 4}),
    gateway({"replicas": 0}),
    gateway(scaled(4, 4)),
    gateway(resources("0.5", "3Gi")),
    gateway(resources()),
    servers({"replicas": 10}),
    servers(scaled(10, 10)),
    servers(resources(4, "2Gi")),
    servers(resources("4000m", "2048Mi", of="requests")),
    canary(10),
    expose(service={"type": "NodePort"}),
    {"networkPolicy": {"mode": "Isolated"}},
]
