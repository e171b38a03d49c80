"""A NetworkPolicy per component. Probes need no rule: a node always reaches its pods."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final, Literal

from ocr_operator.desired.deployment import PORT
from ocr_operator.desired.metadata import child, selector
from ocr_operator.desired.plan import Plan
from ocr_operator.models.manifest import NETWORK_POLICY, Manifest
from ocr_operator.models.names import GATEWAY
from ocr_operator.models.network import NetworkPolicy, Peer

Rule = dict[str, Any]

SERVED: Final = [{"port": PORT, "protocol": "TCP"}]
# Rules are about the port of the pod that answers: CoreDNS behind port 53 may listen on another one.
DNS: Final[tuple[Rule, ...]] = (
    {"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]},
    {
        "to": [
            {
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
                "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
            }
        ]
    },
)
# It asks the gateways what they measure of a canary.
OPERATOR: Final[Rule] = {
    "namespaceSelector": {},
    "podSelector": {"matchLabels": {"app.kubernetes.io/name": "ocr-operator"}},
}


def build_network_policy(plan: Plan, component: str) -> Manifest | None:
    """What may reach the component's pods, and what these may reach."""
    policy = plan.service.spec.network_policy
    if policy.mode == "Disabled":
        return None
    gateway = component == GATEWAY
    manifest = child(plan, NETWORK_POLICY, component)
    manifest["spec"] = {
        "podSelector": {"matchLabels": selector(plan.service.metadata.name, component)},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [_clients(plan, policy) if gateway else _gateways(plan, policy)],
        "egress": [*DNS, *(_upstream(plan) if gateway else _model(plan)), *_tracing(plan), *_extra(policy)],
    }
    return manifest


def _clients(plan: Plan, policy: NetworkPolicy) -> Rule:
    """The gateway's metrics are at the port for clients, so who may have them comes in, too."""
    if not policy.ingress_from:
        return _rule("from", (), SERVED)
    judge = (OPERATOR,) if plan.canary else ()
    return _rule("from", (*_peers((*policy.ingress_from, *policy.metrics_from)), *judge), SERVED)


def _gateways(plan: Plan, policy: NetworkPolicy) -> Rule:
    return _rule("from", (_pods(plan, GATEWAY), *_peers(policy.metrics_from)), SERVED)


def _upstream(plan: Plan) -> Iterator[Rule]:
    yield _rule("to", (_pods(plan, slot) for slot in plan.slots), SERVED)
    jobs = plan.service.spec.gateway.jobs
    if jobs and jobs.redis:
        yield _rule("to", _peers(jobs.redis.egress_to), [{"protocol": "TCP"}])


def _model(plan: Plan) -> Iterator[Rule]:
    """A policy knows no names of hosts."""
    source = plan.service.spec.model.source
    if source and source.http:
        yield _rule("to", (), [{"port": source.http.port, "protocol": "TCP"}])


def _tracing(plan: Plan) -> Iterator[Rule]:
    tracing = plan.service.spec.observability.tracing
    if tracing is not None:
        yield _rule("to", (), [{"port": tracing.port, "protocol": "TCP"}])


def _extra(policy: NetworkPolicy) -> Iterator[Rule]:
    for egress in policy.extra_egress:
        yield _rule("to", _peers(egress.to), [port.dump() for port in egress.ports])


def _pods(plan: Plan, component: str) -> Rule:
    return {"podSelector": {"matchLabels": selector(plan.service.metadata.name, component)}}


def _peers(peers: Iterable[Peer]) -> tuple[Rule, ...]:
    return tuple(
        peer.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_defaults=True)
        for peer in peers
    )


def _rule(direction: Literal["from", "to"], peers: Iterable[Rule], ports: Iterable[Rule]) -> Rule:
    """Without peers everybody, without ports every port."""
    members = {direction: list(peers), "ports": [dict(port) for port in ports]}
    return {name: value for name, value in members.items() if value}
