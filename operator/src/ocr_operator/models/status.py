"""`status` of an OCRService: written by the operator only, by server-side apply, only when it differs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ocr_operator.models.base import Part, map_list
from ocr_operator.models.revisions import Revisions, Short, Timestamp, Traffic

ConditionType = Literal[
    "Ready",
    "Reconciling",
    "Stalled",
    "SpecAccepted",
    "ModelServerAvailable",
    "GatewayAvailable",
    "Exposed",
    "RolloutHealthy",
    "AutoscalingActive",
    "DependenciesPresent",
    "UpToDate",
]
ConditionStatus = Literal["True", "False", "Unknown"]


class Condition(Part):
    """One answer, in the form that all Kubernetes conditions have."""

    type: Annotated[str, Field(max_length=316)] = Field(description="What the condition is about.")
    status: ConditionStatus = Field(description="Whether it holds.")
    reason: Annotated[str, Field(min_length=1, max_length=1024)] = Field(description="Why, in one word.")
    message: Annotated[str, Field(max_length=32_768)] = Field(description="Why, for people.")
    last_transition_time: Timestamp = Field(description="When status changed last.")
    observed_generation: Annotated[int, Field(ge=0)] = Field(
        description="The metadata.generation that this is about."
    )


class VersionStatus(Part):
    """Which versions are at work."""

    operand: Short | None = Field(default=None, description="Version of gateway and model server, held.")
    operator: Short = Field(description="Version of the operator that wrote this status.")
    available: Short | None = Field(
        default=None, description="The operator's newest version, while the service runs an older one."
    )


class ComponentStatus(Part):
    """The pods of one component, counted."""

    name: Short = Field(description="gateway or model-server.")
    desired: Annotated[int, Field(ge=0)] = Field(description="Pods that are wanted.")
    ready: Annotated[int, Field(ge=0)] = Field(description="Pods that take requests.")
    updated: Annotated[int, Field(ge=0)] = Field(description="Pods of the newest revision.")
    summary: Short = Field(description="ready/desired, for kubectl get.")
    image: Annotated[str, Field(max_length=1024)] = Field(description="Image of the newest revision.")


class ModelStatus(Part):
    """The model that is asked for."""

    name: Short = Field(description="Its name, in the catalogue or of your own.")
    sha256: Short = Field(description="Digest over the digests of the model's files.")


class Address(Part):
    """Where to send pages."""

    url: Annotated[str, Field(max_length=2048)] = Field(description="Base of the gateway's paths.")


class LastFailure(Part):
    """The newest failure that the pods still show; gone when they are."""

    component: Short = Field(description="gateway or model-server.")
    pod: Short | None = Field(default=None, description="Name of the pod.")
    container: Short | None = Field(default=None, description="Name of the container.")
    reason: Short = Field(description="Kubernetes' word for it, such as OOMKilled or ImagePullBackOff.")
    exit_code: int | None = Field(default=None, description="Exit status of the container.")
    message: Annotated[str, Field(max_length=2048)] | None = Field(
        default=None, description="The end of what Kubernetes or the container said."
    )
    time: Timestamp = Field(description="When it was seen first.")
    count: Annotated[int, Field(ge=0)] = Field(default=0, description="Restarts of the container.")


class ProfileStatus(Part):
    """The OCRProfile that spec.profileRef names, in the state that this status is about."""

    name: Short = Field(description="Its name.")
    generation: Annotated[int, Field(ge=0)] | None = Field(
        default=None, description="Its metadata.generation; there is no such OCRProfile when absent."
    )
    hash: Short | None = Field(
        default=None, description="Digest of its spec; there is no such OCRProfile when absent."
    )


class Status(Part):
    """What is true now."""

    observed_generation: Annotated[int, Field(ge=0)] | None = Field(
        default=None, description="The metadata.generation that this status is about."
    )
    conditions: Annotated[tuple[Condition, ...], Field(max_length=32)] = Field(
        default=(), description="Answers to single questions.", json_schema_extra=map_list("type")
    )
    profile: ProfileStatus | None = None
    version: VersionStatus | None = None
    replicas: Annotated[int, Field(ge=0)] | None = Field(
        default=None, description="Model-server pods, for the scale subresource."
    )
    selector: Annotated[str, Field(max_length=1024)] | None = Field(
        default=None, description="Label selector of the model-server pods, for the scale subresource."
    )
    components: Annotated[tuple[ComponentStatus, ...], Field(max_length=8)] = Field(
        default=(), description="Gateway and model servers.", json_schema_extra=map_list("name")
    )
    model: ModelStatus | None = None
    address: Address | None = None
    revisions: Revisions | None = None
    traffic: Annotated[tuple[Traffic, ...], Field(max_length=2)] | None = Field(
        default=None,
        description="With spec.rollout.strategy: Canary, how the gateways are asked to divide the requests.",
        json_schema_extra=map_list("deployment"),
    )
    last_failure: LastFailure | None = None

    def condition(self, kind: ConditionType) -> Condition | None:
        """The condition of that type, if it was ever written."""
        return next((c for c in self.conditions if c.type == kind), None)
