"""Who may reach gateways and model servers, and whom these may reach."""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from ocr_operator.models.base import ATOMIC, Form, Labels, Part, cel

PEER = (
    "has(self.ipBlock) != (has(self.namespaceSelector) || has(self.podSelector))",
    "a peer is either an ipBlock or a namespaceSelector, a podSelector or both",
)
EGRESS = (
    "(has(self.to) && size(self.to) > 0) || (has(self.ports) && size(self.ports) > 0)",
    "say to whom or on which ports, or both; mode: Disabled is what lets everything through",
)
# What it means to be a network is checked by `desired.networks`: CEL can't before Kubernetes 1.31.
Network = Annotated[
    str,
    Field(max_length=49),
    Form("[0-9A-Fa-f.:]+/[0-9]{1,3}", "write a network such as 10.0.0.0/8 or fd00::/8"),
]
Networks = Annotated[tuple[Network, ...], Field(max_length=16, json_schema_extra=ATOMIC)]


class LabelSelector(Part):
    """Objects that have all of the labels; every object when there is none."""

    match_labels: Labels = Field(
        default={}, description="Labels that the object must have; every object when empty."
    )


class IpBlock(Part):
    """Addresses, as the pods' network shows them."""

    cidr: Network = Field(description="The network.")
    but: Networks = Field(
        default=(), alias="except", description="Networks in it that are left out; none when empty."
    )


class Peer(Part):
    """Pods or addresses, as in a NetworkPolicy."""

    model_config = ConfigDict(json_schema_extra=cel(PEER))

    namespace_selector: LabelSelector | None = Field(
        default=None, description="Namespaces of the pods; the service's own when absent."
    )
    pod_selector: LabelSelector | None = Field(
        default=None, description="Pods of these namespaces; all when absent."
    )
    ip_block: IpBlock | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if (self.ip_block is not None) == bool(self.namespace_selector or self.pod_selector):
            raise ValueError(PEER[1])
        return self


Peers = Annotated[tuple[Peer, ...], Field(max_length=16, json_schema_extra=ATOMIC)]


class EgressPort(Part):
    """A port of the peer itself: of a pod, not of the Service in front of it."""

    port: Annotated[int, Field(ge=1, le=65_535)] = Field(description="Number of the port.")
    protocol: Literal["TCP", "UDP", "SCTP"] = Field(default="TCP", description="Protocol of the port.")


class Egress(Part):
    """Connections that pods may open."""

    model_config = ConfigDict(json_schema_extra=cel(EGRESS))

    to: Peers = Field(default=(), description="To whom; to everybody when empty.")
    ports: Annotated[tuple[EgressPort, ...], Field(max_length=16, json_schema_extra=ATOMIC)] = Field(
        default=(), description="On which ports; on every port when empty."
    )

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.to and not self.ports:
            raise ValueError(EGRESS[1])
        return self


# By the label of prometheus-operator and of the community's charts.
PROMETHEUS: Final = Peer(
    namespace_selector=LabelSelector(),
    pod_selector=LabelSelector(match_labels={"app.kubernetes.io/name": "prometheus"}),
)


class NetworkPolicy(Part):
    """Network policies, in a cluster whose network enforces them."""

    mode: Literal["Isolated", "Disabled"] = Field(
        default="Isolated",
        description="Isolated: only the service's gateways reach model servers, and pods only what they "
        "need. Disabled: no policies are made.",
    )
    ingress_from: Peers = Field(default=(), description="Who may reach the gateways; everybody when empty.")
    metrics_from: Peers = Field(
        default=(PROMETHEUS,),
        description="Who may reach gateways and model servers for their metrics, and so for all they serve.",
    )
    extra_egress: Annotated[tuple[Egress, ...], Field(max_length=16, json_schema_extra=ATOMIC)] = Field(
        default=(),
        description="What gateways and model servers may reach beside DNS and what the spec names; "
        "nothing when empty.",
    )
