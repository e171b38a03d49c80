"""The HTTP front door."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from ocr_operator.models.autoscaling import AUTOSCALING_ALONE, Autoscaling
from ocr_operator.models.base import Part, cel
from ocr_operator.models.compute import ResourceList, Resources
from ocr_operator.models.jobs import JOBS_MEMORY, Jobs
from ocr_operator.models.placement import Scheduling
from ocr_operator.models.pods import PodAnnotations, PodLabels
from ocr_operator.models.protection import Auth, Limits, Tls

GATEWAY_METRICS = (
    "!has(self.autoscaling) || !has(self.autoscaling.metrics) || "
    "self.autoscaling.metrics.all(metric, metric.type != 'QueueDepth')",
    "QueueDepth is of model servers; scale gateways by CPU or Memory",
)


class Gateway(Part):
    """The gateways: the HTTP front door."""

    model_config = ConfigDict(json_schema_extra=cel(AUTOSCALING_ALONE, GATEWAY_METRICS, JOBS_MEMORY))

    replicas: Annotated[int, Field(ge=0, le=100)] | None = Field(
        default=None, description="Pods to run; 2 when absent."
    )
    autoscaling: Autoscaling | None = None
    resources: Resources = Field(
        default=Resources(
            requests=ResourceList(cpu="100m", memory="256Mi"), limits=ResourceList(memory="2Gi")
        ),
        description="Compute of one pod.",
    )
    limits: Limits = Limits()
    auth: Auth = Auth()
    tls: Tls | None = None
    jobs: Jobs | None = None
    drain_seconds: Annotated[int, Field(ge=0, le=300)] = Field(
        default=15, description="Time a pod that ends still takes requests, so that clients find another."
    )
    scheduling: Scheduling = Scheduling()
    pod_labels: PodLabels = Field(default={}, description="Further labels of the pods; none when empty.")
    pod_annotations: PodAnnotations = Field(
        default={}, description="Further annotations of the pods; none when empty."
    )

    @model_validator(mode="after")
    def _one_sets_replicas(self) -> Self:
        if self.autoscaling is None:
            return self
        if self.replicas is not None:
            raise ValueError(AUTOSCALING_ALONE[1])
        if any(metric.type == "QueueDepth" for metric in self.autoscaling.metrics):
            raise ValueError(GATEWAY_METRICS[1])
        return self

    @model_validator(mode="after")
    def _jobs_in_memory_are_of_one_pod(self) -> Self:
        several = self.replicas is None or self.replicas > 1
        if self.jobs is not None and self.jobs.store == "Memory" and several:
            raise ValueError(JOBS_MEMORY[1])
        return self
