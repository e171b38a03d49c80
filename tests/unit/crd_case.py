"""One spec that a user writes, right or wrong, and what they are told.

A path such as `modelServer.env[].name` is a member of each item of a list; `{}` stands for a map's values.
"""

from dataclasses import dataclass, field
from typing import Any

Spec = dict[str, Any]

_HOURS: Spec = {"name": "office", "timeZone": "UTC", "start": "08:00", "end": "18:00", "minReplicas": 1}
# What a field needs beside it to be valid.
BESIDE: dict[str, Spec] = {
    "env[].name": {"value": "x"},
    "env[].value": {"name": "A"},
    "env[].secretKeyRef": {"name": "A"},
    "model.source": {"sha256": "0" * 64},
    "model.sha256": {"source": {"persistentVolumeClaim": {"claimName": "models"}}},
    "persistentVolumeClaim.path": {"claimName": "models"},
    "http.authorization": {"url": "https://models.example.com/"},
    "http.caBundle": {"url": "https://models.example.com/"},
    "secretKeyRef.name": {"key": "token"},
    "secretKeyRef.key": {"name": "keys"},
    "tolerations[].operator": {"key": "gpu"},
    "tolerations[].value": {"key": "gpu"},
    "tolerations[].effect": {"key": "gpu"},
    "tolerations[].tolerationSeconds": {"key": "gpu", "effect": "NoExecute"},
    "service.nodePort": {"type": "NodePort"},
    "gateway.jobs": {"replicas": 1},
    "rollout.canary": {"strategy": "Canary"},
    "steps[].pauseSeconds": {"weight": 5},
    "jobs.redis": {"store": "Redis"},
    "redis.egressTo": {"secretKeyRef": {"name": "redis", "key": "url"}},
    "redis.egressTo[]": {"secretKeyRef": {"name": "redis", "key": "url"}},
    "ipBlock.except": {"cidr": "10.0.0.0/8"},
    "ipBlock.except[]": {"cidr": "10.0.0.0/8"},
    "ports[].protocol": {"port": 53},
    "service.loadBalancerClass": {"type": "LoadBalancer"},
    "service.loadBalancerSourceRanges": {"type": "LoadBalancer"},
    "service.loadBalancerSourceRanges[]": {"type": "LoadBalancer"},
    "service.externalTrafficPolicy": {"type": "NodePort"},
    "ingress.className": {"host": "ocr.example.com"},
    "ingress.tlsSecretRef": {"host": "ocr.example.com"},
    "ingress.annotations": {"host": "ocr.example.com"},
    "ingress.annotations{}": {"host": "ocr.example.com"},
    "gatewayAPI.parentRefs": {"hostnames": ["ocr.example.com"]},
    "gatewayAPI.parentRefs[]": {"hostnames": ["ocr.example.com"]},
    "gatewayAPI.hostnames": {"parentRefs": [{"name": "edge"}]},
    "gatewayAPI.hostnames[]": {"parentRefs": [{"name": "edge"}]},
    "gatewayAPI.protocol": {"parentRefs": [{"name": "edge"}], "hostnames": ["ocr.example.com"]},
    "parentRefs[].namespace": {"name": "edge"},
    "parentRefs[].sectionName": {"name": "edge"},
    "tracing.sampleRatio": {"endpoint": "http://collector:4318"},
    "auth.secretRef": {"type": "APIKey"},
    "auth.jwt": {"type": "JWT"},
    "jwt.issuer": {"audience": "ocr", "jwksSecretRef": {"name": "jwks"}},
    "jwt.audience": {"issuer": "me", "jwksSecretRef": {"name": "jwks"}},
    "jwt.jwksSecretRef": {"issuer": "me", "audience": "ocr"},
    "autoscaling.minReplicas": {"maxReplicas": 1000},
    "autoscaling.maxReplicas": {"minReplicas": 1},
    "autoscaling.metrics": {"maxReplicas": 9},
    "autoscaling.metrics[]": {"maxReplicas": 9},
    "autoscaling.behavior": {"maxReplicas": 9},
    "autoscaling.schedules": {"minReplicas": 1, "maxReplicas": 1},
    "autoscaling.schedules[]": {"minReplicas": 1, "maxReplicas": 1},
    "metrics[].type": {"target": 70},
    "metrics[].target": {"type": "CPU"},
    "scaleUp.periodSeconds": {"pods": 1},
    "scaleDown.periodSeconds": {"pods": 1},
    "schedules[].name": _HOURS,
    "schedules[].timeZone": _HOURS,
    "schedules[].days": _HOURS,
    "schedules[].days[]": _HOURS,
    "schedules[].start": _HOURS,
    "schedules[].end": _HOURS,
    "schedules[].minReplicas": {**_HOURS, "maxReplicas": 1000},
    "schedules[].maxReplicas": _HOURS,
    "ratePerClient.burst": {"requestsPerSecond": 1},
}


@dataclass(frozen=True)
class Refusal:
    """The field that is named, and a part of what the apiserver and the models say of it."""

    path: str
    server: str
    model: str


@dataclass(frozen=True)
class Case:
    """One OCRService and what becomes of it."""

    title: str
    spec: object
    refusal: Refusal | None = None
    name: str = "case"
    covers: str = field(default="", kw_only=True)

    @property
    def body(self) -> dict[str, Any]:
        """The whole object."""
        head = {"apiVersion": "kubeocr.dev/v1alpha1", "kind": "OCRService", "metadata": {"name": self.name}}
        return {**head, "spec": self.spec}


def both(path: str, says: str) -> Refusal:
    """A refusal in the same words on both sides, as CEL rules and their twins have."""
    return Refusal(path, says, says)


def at(path: str, value: object) -> Spec:
    """A spec with the value at the path, and beside it what makes the rest of the spec valid."""
    whole: Any = value
    parts = path.split(".")
    for depth in range(len(parts), 0, -1):
        name, beside = parts[depth - 1], BESIDE.get(".".join(parts[max(0, depth - 2) : depth]), {})
        if name.endswith("[]"):
            whole = [whole]
        if name.endswith("{}"):
            whole = {"key": whole}
        whole = {**beside, name.rstrip("[]{}"): whole}
    return dict(whole)


def short(value: str) -> str:
    """The value, or how long it is, for a title."""
    return repr(value) if len(value) < 30 else f"{value[:3]}... of {len(value)} characters"


def spoken(path: str) -> str:
    """The path as messages print it for the spec of `at`; only the map's name, for they differ in the key."""
    return "spec." + path.replace("[]", "[0]").removesuffix("{}")
