"""How clients reach the gateway."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from ocr_operator.models.base import Annotations, LabelKey, Part, cel
from ocr_operator.models.network import Networks
from ocr_operator.models.routes import GatewayApi, Ingress

NODE_PORT = (
    "!has(self.nodePort) || (has(self.type) && self.type == 'NodePort')",
    "nodePort needs type: NodePort; set the type or remove nodePort",
)
LOAD_BALANCER = (
    "(!has(self.loadBalancerClass) && "
    "(!has(self.loadBalancerSourceRanges) || size(self.loadBalancerSourceRanges) == 0)) || "
    "(has(self.type) && self.type == 'LoadBalancer')",
    "loadBalancerClass and loadBalancerSourceRanges need type: LoadBalancer; set the type or remove them",
)
EXTERNAL = (
    "!has(self.externalTrafficPolicy) || (has(self.type) && self.type != 'ClusterIP')",
    "externalTrafficPolicy needs type: NodePort or LoadBalancer; set the type or remove it",
)
ONE_WAY = (
    "!has(self.ingress) || !has(self.gatewayAPI)",
    "ingress and gatewayAPI are two ways of the same; set one of them",
)


class SharedService(Part):
    """The gateway's Service."""

    model_config = ConfigDict(json_schema_extra=cel(LOAD_BALANCER, EXTERNAL))

    type: Literal["ClusterIP", "NodePort", "LoadBalancer"] = Field(
        default="ClusterIP", description="Type of the Service."
    )
    port: Annotated[int, Field(ge=1, le=65_535)] | None = Field(
        default=None, description="Port of the Service; when absent 80, and 443 with gateway.tls."
    )
    load_balancer_class: LabelKey | None = Field(
        default=None,
        description="Which load balancer; the cluster's when absent. Kubernetes lets nobody change it later.",
    )
    load_balancer_source_ranges: Networks = Field(
        default=(), description="Networks that the load balancer lets in; all when empty."
    )
    external_traffic_policy: Literal["Cluster", "Local"] | None = Field(
        default=None,
        description="Local keeps clients' addresses and needs a gateway on the node; Cluster when absent.",
    )
    annotations: Annotations = Field(
        default={}, description="Annotations of the Service, as load balancers want them; none when empty."
    )

    @model_validator(mode="after")
    def _what_the_type_allows(self) -> Self:
        balanced = self.load_balancer_class is not None or self.load_balancer_source_ranges
        if balanced and self.type != "LoadBalancer":
            raise ValueError(LOAD_BALANCER[1])
        if self.external_traffic_policy is not None and self.type == "ClusterIP":
            raise ValueError(EXTERNAL[1])
        return self


class ExposeService(SharedService):
    """The gateway's Service."""

    model_config = ConfigDict(json_schema_extra=cel(NODE_PORT, LOAD_BALANCER, EXTERNAL))

    node_port: Annotated[int, Field(ge=1, le=65_535)] | None = Field(
        default=None, description="Port on every node; chosen by Kubernetes when absent."
    )

    @model_validator(mode="after")
    def _node_port_needs_its_type(self) -> Self:
        if self.node_port is not None and self.type != "NodePort":
            raise ValueError(NODE_PORT[1])
        return self


class SharedExpose(Part):
    """How clients reach the gateway."""

    service: SharedService = SharedService()


class Expose(SharedExpose):
    """How clients reach the gateway."""

    model_config = ConfigDict(json_schema_extra=cel(ONE_WAY))

    service: ExposeService = ExposeService()
    ingress: Ingress | None = None
    gateway_api: GatewayApi | None = Field(default=None, alias="gatewayAPI")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.ingress is not None and self.gateway_api is not None:
            raise ValueError(ONE_WAY[1])
        return self
