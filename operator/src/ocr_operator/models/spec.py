"""`spec` of an OCRService. Every field is optional; `spec: {}` is a good production service."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Final, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from ocr_operator.models.base import (
    Form,
    LabelKey,
    Labels,
    LabelValue,
    ObjectName,
    Part,
    Quantity,
    SecretKeyRef,
    cel,
    map_list,
)
from ocr_operator.models.jobs import JOBS_MEMORY, Jobs
from ocr_operator.models.protection import Auth, Limits, Tls

RESERVED_ENV: Final = ("HOST", "PORT")
ENV_SOURCE = (
    "has(self.value) != has(self.secretKeyRef)",
    "set exactly one of value and secretKeyRef",
)
ENV_RESERVED = (
    "!(self.name in ['HOST', 'PORT']) && !self.name.startsWith('OCR_')",
    "HOST, PORT and names that start with OCR_ are set by the operator; choose another name",
)
TOLERATION_EXISTS = (
    "!has(self.operator) || self.operator != 'Exists' || !has(self.value)",
    "a toleration with operator Exists takes no value; remove value or write operator: Equal",
)
TOLERATION_EQUAL = (
    "has(self.key) || (has(self.operator) && self.operator == 'Exists')",
    "a toleration without key needs operator: Exists",
)
TOLERATION_SECONDS = (
    "!has(self.tolerationSeconds) || (has(self.effect) && self.effect == 'NoExecute')",
    "tolerationSeconds needs effect: NoExecute; set the effect or remove tolerationSeconds",
)
NODE_PORT = (
    "!has(self.nodePort) || (has(self.type) && self.type == 'NodePort')",
    "nodePort needs type: NodePort; set the type or remove nodePort",
)
VERSION_FORM: Final = Form(
    r"[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.]+)?", "write a version such as 0.1.0 or 0.2.0-rc.1, in quotes"
)
SEMVER: Final = re.compile(f"^{VERSION_FORM.pattern}$")
# As the apiserver's IsConfigMapKey: neither "." nor ".." nor what starts with "..".
ENV_FORM: Final = Form(
    "[A-Za-z_][A-Za-z0-9_]*", "write only A-Z, a-z, 0-9 and '_', and no digit first, such as LOG_FORMAT"
)
MODEL_FORM: Final = Form(
    r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?", "write the name of a catalogue entry, such as balanced"
)
LANGUAGE_FORM: Final = Form(
    "[a-z]{2,3}(-[A-Z][a-z]{3})?", "write a language, such as en, or one with its script, such as zh-Hant"
)
INTERVAL_FORM: Final = Form("[1-9][0-9]{0,3}(s|m)", "write seconds or minutes, such as 30s or 2m")


class EnvVar(Part):
    """One environment variable: a plain value or a key of a Secret."""

    model_config = ConfigDict(json_schema_extra=cel(ENV_SOURCE, ENV_RESERVED))

    name: Annotated[str, Field(max_length=128), ENV_FORM] = Field(description="Name of the variable.")
    value: Annotated[str, Field(max_length=4096)] | None = Field(default=None, description="A plain value.")
    secret_key_ref: SecretKeyRef | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.value is None) == (self.secret_key_ref is None):
            raise ValueError(ENV_SOURCE[1])
        if self.name in RESERVED_ENV or self.name.startswith("OCR_"):
            raise ValueError(ENV_RESERVED[1])
        return self


class Toleration(Part):
    """As in a Pod: https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/."""

    model_config = ConfigDict(json_schema_extra=cel(TOLERATION_EXISTS, TOLERATION_EQUAL, TOLERATION_SECONDS))

    key: LabelKey | None = Field(default=None, description="Key of the taint; every key when absent.")
    operator: Literal["Exists", "Equal"] | None = Field(
        default=None, description="Equal, the meaning when absent, compares the value; Exists does not."
    )
    value: LabelValue | None = Field(default=None, description="Value of the taint; empty when absent.")
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = Field(
        default=None, description="Effect of the taint; every effect when absent."
    )
    toleration_seconds: Annotated[int, Field(ge=0, le=86_400)] | None = Field(
        default=None, description="Time until a NoExecute taint evicts the pod; never when absent."
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.operator == "Exists" and self.value is not None:
            raise ValueError(TOLERATION_EXISTS[1])
        if self.key is None and self.operator != "Exists":
            raise ValueError(TOLERATION_EQUAL[1])
        if self.toleration_seconds is not None and self.effect != "NoExecute":
            raise ValueError(TOLERATION_SECONDS[1])
        return self


class Scheduling(Part):
    """Where pods may run: a narrow subset of a pod's fields."""

    node_selector: Labels = Field(default={}, description="Labels that a node must have.")
    tolerations: Annotated[tuple[Toleration, ...], Field(max_length=16)] = Field(
        default=(),
        description="Taints that pods accept.",
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
    )
    topology_spread: Literal["None", "Host", "Zone"] = Field(
        default="Zone", description="Spread pods over hosts, or over zones and hosts, where possible."
    )
    priority_class_name: ObjectName | None = Field(
        default=None, description="A PriorityClass of the cluster."
    )


class ResourceList(Part):
    """Amounts of compute."""

    cpu: Quantity | None = Field(default=None, description="Cores, such as 2 or 500m.")
    memory: Quantity | None = Field(default=None, description="Bytes, such as 512Mi or 2Gi.")


class Resources(Part):
    """Requests and limits of one pod; set here, they replace the defaults as a whole."""

    requests: ResourceList = Field(default=ResourceList(), description="What a node reserves for the pod.")
    limits: ResourceList = Field(default=ResourceList(), description="What the pod may use at most.")


class Model(Part):
    """The OCR model."""

    name: Annotated[str, Field(max_length=63), MODEL_FORM] = Field(
        default="balanced",
        description="A profile (fast, balanced, accurate) or a model of the operand version's catalogue.",
    )
    languages: Annotated[
        tuple[Annotated[str, Field(max_length=8), LANGUAGE_FORM], ...], Field(max_length=64)
    ] = Field(
        default=(),
        description="Languages of the pages (BCP 47), such as en; fewer characters are read faster. "
        "All that the model reads when empty.",
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
    )


class Runtime(Part):
    """How a model server uses its cores."""

    threads: Annotated[int, Field(ge=0, le=128)] = Field(
        default=0, description="Cores to use; 0: the pod's CPU limit, else its request, rounded up."
    )
    mode: Literal["throughput", "latency"] = Field(
        default="throughput",
        description="throughput: one page per core at a time. latency: all cores on one page.",
    )
    max_queue: Annotated[int, Field(ge=1, le=1024)] = Field(
        default=64, description="Pages that may wait; one more is answered 503 with Retry-After."
    )
    warmup: bool = Field(default=True, description="Read a page before the pod becomes ready.")


class ModelServer(Part):
    """The ONNX Runtime model servers."""

    replicas: Annotated[int, Field(ge=0, le=1000)] | None = Field(
        default=None, description="Pods to run; 2 when absent. Also set by kubectl scale."
    )
    resources: Resources = Field(
        default=Resources(requests=ResourceList(cpu="1", memory="1Gi"), limits=ResourceList(memory="1Gi")),
        description="Compute of one pod.",
    )
    runtime: Runtime = Runtime()
    startup_timeout_seconds: Annotated[int, Field(ge=10, le=3600)] = Field(
        default=120, description="Time to load and warm up the model before the pod is restarted."
    )
    scheduling: Scheduling = Scheduling()
    env: Annotated[tuple[EnvVar, ...], Field(max_length=32)] = Field(
        default=(), description="Further environment variables.", json_schema_extra=map_list("name")
    )

    @model_validator(mode="after")
    def _env_names_differ(self) -> Self:
        if len({variable.name for variable in self.env}) < len(self.env):
            raise ValueError("every name in env may stand only once")
        return self


class Gateway(Part):
    """The HTTP front door."""

    model_config = ConfigDict(json_schema_extra=cel(JOBS_MEMORY))

    replicas: Annotated[int, Field(ge=0, le=100)] | None = Field(
        default=None, description="Pods to run; 2 when absent."
    )
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

    @model_validator(mode="after")
    def _jobs_in_memory_are_of_one_pod(self) -> Self:
        several = self.replicas is None or self.replicas > 1
        if self.jobs is not None and self.jobs.store == "Memory" and several:
            raise ValueError(JOBS_MEMORY[1])
        return self


AnnotationValue = Annotated[str, Field(max_length=4096)]


class ExposeService(Part):
    """The gateway's Service."""

    model_config = ConfigDict(json_schema_extra=cel(NODE_PORT))

    type: Literal["ClusterIP", "NodePort", "LoadBalancer"] = Field(
        default="ClusterIP", description="Type of the Service."
    )
    port: Annotated[int, Field(ge=1, le=65_535)] | None = Field(
        default=None, description="Port of the Service; when absent 80, and 443 with gateway.tls."
    )
    node_port: Annotated[int, Field(ge=1, le=65_535)] | None = Field(
        default=None, description="Port on every node; chosen by Kubernetes when absent."
    )
    annotations: Annotated[Mapping[LabelKey, AnnotationValue], Field(max_length=32)] = Field(
        default={}, description="Annotations of the Service, as load balancers want them."
    )

    @model_validator(mode="after")
    def _node_port_needs_type(self) -> Self:
        if self.node_port is not None and self.type != "NodePort":
            raise ValueError(NODE_PORT[1])
        return self


class Expose(Part):
    """How clients reach the gateway."""

    service: ExposeService = ExposeService()


class ServiceMonitor(Part):
    """The ServiceMonitor for Prometheus."""

    mode: Literal["Auto", "Enabled", "Disabled"] = Field(
        default="Auto", description="Auto: made when the cluster has the ServiceMonitor CRD."
    )
    labels: Labels = Field(default={}, description="Labels that your Prometheus selects.")
    interval: Annotated[str, Field(max_length=16), INTERVAL_FORM] = Field(
        default="30s", description="Time between scrapes."
    )


class Observability(Part):
    """Metrics and logs."""

    service_monitor: ServiceMonitor = ServiceMonitor()
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least that gateway and model servers log."
    )


class Spec(Part):
    """What the user asks for; nobody else writes it."""

    version: Annotated[str, Field(max_length=64), VERSION_FORM] | None = Field(
        default=None, description="Operand version. Absent: the operator's, chosen once and held."
    )
    suspend: bool = Field(default=False, description="Run no pods; keep everything else.")
    model: Model = Model()
    model_server: ModelServer = ModelServer()
    gateway: Gateway = Gateway()
    expose: Expose = Expose()
    observability: Observability = Observability()
