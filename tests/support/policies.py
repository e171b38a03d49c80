"""Who reaches whom under a set of NetworkPolicies, as Kubernetes means them.

A pod that no policy selects is open; one that is selected has what any of its policies allows. A connection
needs the caller's egress and the callee's ingress, and ports are those of the pod that is called:
https://kubernetes.io/docs/concepts/services-networking/network-policies/.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any, Literal

NAME_LABEL = "kubernetes.io/metadata.name"
# The member of a rule that names the peers.
SIDES = {"Ingress": ("ingress", "from"), "Egress": ("egress", "to")}


@dataclass(frozen=True)
class Pod:
    """A pod; in no namespace it is any other host, with an address and without labels."""

    ip: str
    namespace: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    namespace_labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def of_namespace(self) -> Mapping[str, str]:
        """The labels of its namespace, with the one that every namespace has."""
        return {**self.namespace_labels, NAME_LABEL: self.namespace or ""}


@dataclass(frozen=True)
class Network:
    """A cluster with these policies."""

    policies: tuple[Mapping[str, Any], ...]

    def connects(self, caller: Pod, callee: Pod, port: int, protocol: str = "TCP") -> bool:
        """Whether the caller may open a connection to that port of the callee."""
        asked = (port, protocol)
        return self._lets("Egress", caller, callee, asked) and self._lets("Ingress", callee, caller, asked)

    def _lets(self, side: Literal["Ingress", "Egress"], pod: Pod, peer: Pod, asked: tuple[int, str]) -> bool:
        mine = [
            policy for policy in self.policies if side in policy["spec"]["policyTypes"] and on(policy, pod)
        ]
        rules, peers = SIDES[side]
        return not mine or any(
            allows(rule, peers, policy["metadata"]["namespace"], peer, asked)
            for policy in mine
            for rule in policy["spec"].get(rules, ())
        )


def on(policy: Mapping[str, Any], pod: Pod) -> bool:
    """Whether the policy selects the pod."""
    return pod.namespace == policy["metadata"]["namespace"] and selects(
        policy["spec"]["podSelector"], pod.labels
    )


def allows(rule: Mapping[str, Any], peers: str, namespace: str, peer: Pod, asked: tuple[int, str]) -> bool:
    """Whether the rule of a policy in the namespace speaks of the peer and of the port."""
    whom, ports = rule.get(peers, ()), rule.get("ports", ())
    return (not whom or any(matches(each, namespace, peer) for each in whom)) and (
        not ports or any(covers(each, *asked) for each in ports)
    )


def covers(port: Mapping[str, Any], number: int, protocol: str) -> bool:
    """Whether an entry of `ports` has that port."""
    assert port.keys() <= {"port", "protocol"}, "named ports and ranges are not in use"
    return port.get("protocol", "TCP") == protocol and port.get("port", number) == number


def matches(peer: Mapping[str, Any], namespace: str, pod: Pod) -> bool:
    """Whether an entry of `from` or `to` is about the pod."""
    if "ipBlock" in peer:
        return within(pod.ip, [peer["ipBlock"]["cidr"]]) and not within(
            pod.ip, peer["ipBlock"].get("except", ())
        )
    if pod.namespace is None:
        return False
    if "namespaceSelector" in peer:
        here = selects(peer["namespaceSelector"], pod.of_namespace)
    else:
        here = pod.namespace == namespace
    return here and selects(peer.get("podSelector", {}), pod.labels)


def within(address: str, networks: Iterable[str]) -> bool:
    """Whether the address is in one of the networks."""
    return any(ip_address(address) in ip_network(network) for network in networks)


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a label selector selects what has the labels; an empty one selects everything."""
    assert selector.keys() <= {"matchLabels"}, "expressions are not in use"
    return bool(selector.get("matchLabels", {}).items() <= labels.items())
