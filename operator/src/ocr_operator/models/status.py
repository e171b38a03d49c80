"""`status` of an OCRService: written by the operator only, by server-side apply, only when it differs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ocr_operator.models.base import Part, map_list

ConditionType = Literal[
    "Ready",
    "Reconciling",
    "Stalled",
    "SpecAccepted",
    "ModelServerAvailable",
    "GatewayAvailable",
    "Exposed",
    "RolloutHealthy",
    "DependenciesPresent",
]
ConditionStatus = Literal["True", "False", "Unknown"]
# RFC 3339 in seconds, as metav1.Time prints it.
Timestamp = Annotated[str, Field(max_length=32, json_schema_extra={"format": "date-time"})]
Short = Annotated[str, Field(max_length=512)]


class Condition(Part):
    """metav1.Condition."""

    type: Annotated[str, Field(max_length=316)]
    status: ConditionStatus
    reason: Annotated[str, Field(min_length=1, max_length=1024)]
    message: Annotated[str, Field(max_length=32_768)]
    last_transition_time: Timestamp
    observed_generation: Annotated[int, Field(ge=0)]


class VersionStatus(Part):
    """Which versions are at work."""

    operand: Short | None = Field(default=None, description="Version of gateway and model server, held.")
    operator: Short = Field(description="Version of the operator that wrote this status.")


class ComponentStatus(Part):
    """Pods of one component."""

    name: Short
    desired: Annotated[int, Field(ge=0)]
    ready: Annotated[int, Field(ge=0)]
    updated: Annotated[int, Field(ge=0)]
    summary: Short = Field(description="ready/desired, for kubectl get.")
    image: Annotated[str, Field(max_length=1024)]


class ModelStatus(Part):
    """The model that is asked for."""

    name: Short
    sha256: Short = Field(description="Digest over the digests of the model's files.")


class Address(Part):
    """Where to send pages."""

    url: Annotated[str, Field(max_length=2048)]


class LastFailure(Part):
    """The newest failure that the pods still show; gone when they are."""

    component: Short
    pod: Short | None = None
    container: Short | None = None
    reason: Short
    exit_code: int | None = None
    message: Annotated[str, Field(max_length=2048)] | None = None
    time: Timestamp
    count: Annotated[int, Field(ge=0)] = Field(default=0, description="Restarts of the container.")


class Status(Part):
    """What is true now."""

    observed_generation: Annotated[int, Field(ge=0)] | None = None
    conditions: Annotated[tuple[Condition, ...], Field(max_length=32)] = Field(
        default=(), json_schema_extra=map_list("type")
    )
    version: VersionStatus | None = None
    replicas: Annotated[int, Field(ge=0)] | None = Field(
        default=None, description="Model-server pods, for the scale subresource."
    )
    selector: Annotated[str, Field(max_length=1024)] | None = Field(
        default=None, description="Label selector of the model-server pods, for the scale subresource."
    )
    components: Annotated[tuple[ComponentStatus, ...], Field(max_length=8)] = Field(
        default=(), json_schema_extra=map_list("name")
    )
    model: ModelStatus | None = None
    address: Address | None = None
    last_failure: LastFailure | None = None

    def condition(self, kind: ConditionType) -> Condition | None:
        """The condition of that type, if it was ever written."""
        return next((c for c in self.conditions if c.type == kind), None)
