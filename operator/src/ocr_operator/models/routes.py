"""How clients outside the cluster reach the gateway by name: an Ingress or a route of the Gateway API."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from ocr_operator.models.base import ATOMIC, Annotations, Form, ObjectName, Part, cel
from ocr_operator.models.protection import SecretRef

ROUTE = (
    "size(self.parentRefs) > 0 && size(self.hostnames) > 0",
    "name at least one Gateway in parentRefs and one host in hostnames",
)
# The top-level domain begins with a letter: an address is no host name.
Hostname = Annotated[
    str,
    Field(max_length=253),
    Form(
        r"([a-z0-9]([-a-z0-9]*[a-z0-9])?\.)*[a-z]([-a-z0-9]*[a-z0-9])?",
        "write a host name such as ocr.example.com: no address, no port, no wildcard",
    ),
]
Namespace = Annotated[
    str,
    Field(max_length=63),
    Form("[a-z0-9]([-a-z0-9]*[a-z0-9])?", "write the name of a namespace: only a-z, 0-9 and '-'"),
]


class Ingress(Part):
    """An Ingress from a host to the gateway at the path /; none when absent."""

    class_name: ObjectName | None = Field(
        default=None, description="An IngressClass of the cluster; its default when absent."
    )
    host: Hostname = Field(description="Host of the requests.")
    tls_secret_ref: SecretRef | None = Field(
        default=None,
        description="Secret of type kubernetes.io/tls for the host; plain HTTP when absent. "
        "cert-manager makes it where an annotation names an issuer.",
    )
    annotations: Annotations = Field(
        default={},
        description="Annotations of the Ingress, as controllers want them; none when empty. "
        "With gateway.tls the controller must be told to speak HTTPS to the gateway.",
    )


class ParentRef(Part):
    """A Gateway, or one listener of it."""

    name: ObjectName = Field(description="Name of the Gateway.")
    namespace: Namespace | None = Field(
        default=None, description="Namespace of the Gateway; the service's own when absent."
    )
    section_name: ObjectName | None = Field(
        default=None, description="Name of a listener; all of them when absent."
    )


class GatewayApi(Part):
    """An HTTPRoute from hosts to the gateway; none when absent. gateway.tls needs a BackendTLSPolicy, too."""

    model_config = ConfigDict(json_schema_extra=cel(ROUTE))

    parent_refs: Annotated[tuple[ParentRef, ...], Field(max_length=8, json_schema_extra=ATOMIC)] = Field(
        description="Gateways that take the requests."
    )
    hostnames: Annotated[tuple[Hostname, ...], Field(max_length=16, json_schema_extra=ATOMIC)] = Field(
        description="Hosts of the requests; the first one is in status.address."
    )
    protocol: Literal["HTTPS", "HTTP"] = Field(
        default="HTTPS", description="What the Gateways' listeners speak, for status.address."
    )

    @model_validator(mode="after")
    def _names_both(self) -> Self:
        if not self.parent_refs or not self.hostnames:
            raise ValueError(ROUTE[1])
        return self
