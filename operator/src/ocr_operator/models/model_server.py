"""The model servers, and the model that they serve."""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from ocr_operator.models import urls
from ocr_operator.models.autoscaling import AUTOSCALING_ALONE, Autoscaling
from ocr_operator.models.base import Form, ObjectName, Part, SecretKeyRef, cel, map_list
from ocr_operator.models.compute import ResourceList, Resources
from ocr_operator.models.placement import Scheduling
from ocr_operator.models.pods import PodAnnotations, PodLabels

RESERVED_ENV: Final = ("HOST", "PORT")
ENV_SOURCE = (
    "has(self.value) != has(self.secretKeyRef)",
    "set exactly one of value and secretKeyRef",
)
ENV_RESERVED = (
    "!(self.name in ['HOST', 'PORT']) && !self.name.startsWith('OCR_')",
    "HOST, PORT and names that start with OCR_ are set by the operator; choose another name",
)
ENV_FORM: Final = Form(
    "[A-Za-z_][A-Za-z0-9_]*", "write only A-Z, a-z, 0-9 and '_', and no digit first, such as LOG_FORMAT"
)
MODEL_FORM: Final = Form(
    r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?", "write the name of a catalogue entry, such as balanced"
)
OWN_MODEL: Final = (
    "has(self.source) == has(self.sha256)",
    "source says where an own model is, and sha256 which one it must be; set both or neither",
)
SHA256_FORM: Final = Form("[0-9a-f]{64}", "write the 64 hex digits that ocr-modelserver digest DIR prints")
# No '..', and no '$', which in a container's argument may begin a reference.
FOLDER_FORM: Final = Form(
    "[A-Za-z0-9_][-A-Za-z0-9_.]*(/[A-Za-z0-9_][-A-Za-z0-9_.]*)*",
    "write a folder such as models/receipts: names of A-Z, a-z, 0-9, '-', '_', '.', and single '/'",
)
ONE_SOURCE: Final = (
    "has(self.persistentVolumeClaim) != has(self.http)",
    "set exactly one of persistentVolumeClaim and http",
)
# No '$' either.
URL_FORM: Final = Form(
    r"https://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[1-9][0-9]{0,4})?(/[A-Za-z0-9._~!&()*+,;=:@%/-]*)?",
    "write the folder's URL, such as https://models.example.com/receipts/: no user, no query, no '$'",
)
LANGUAGE_FORM: Final = Form(
    "[a-z]{2,3}(-[A-Z][a-z]{3})?", "write a language, such as en, or one with its script, such as zh-Hant"
)


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


class PersistentVolumeClaim(Part):
    """A folder of a volume, mounted read-only."""

    claim_name: ObjectName = Field(
        description="Name of the PersistentVolumeClaim in the service's namespace."
    )
    path: Annotated[str, Field(max_length=512), FOLDER_FORM] | None = Field(
        default=None, description="Folder of the model in the volume; the volume itself when absent."
    )


class FromSecret(Part):
    """A value out of a Secret."""

    secret_key_ref: SecretKeyRef


class HttpFolder(Part):
    """A folder of an HTTPS server; each pod fetches the files before it starts."""

    url: Annotated[str, Field(max_length=2048), URL_FORM] = Field(
        description="URL of the folder with model.yaml and the files that it names; read by plain GETs."
    )
    authorization: FromSecret | None = Field(
        default=None,
        description="The whole Authorization header, such as Bearer TOKEN; none is sent when absent.",
    )
    ca_bundle: FromSecret | None = Field(
        default=None,
        description="PEM certificates of the authorities to trust; the public ones when absent.",
    )

    @property
    def port(self) -> int:
        """Port of the server."""
        return urls.port(self.url)


class ModelSource(Part):
    """Where the files of an own model are: exactly one of its members."""

    model_config = ConfigDict(json_schema_extra=cel(ONE_SOURCE))

    persistent_volume_claim: PersistentVolumeClaim | None = None
    http: HttpFolder | None = None

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.persistent_volume_claim is None) == (self.http is None):
            raise ValueError(ONE_SOURCE[1])
        return self


class Model(Part):
    """Which model reads the pages: one of the catalogue, or with source and sha256 one of your own."""

    model_config = ConfigDict(json_schema_extra=cel(OWN_MODEL))

    name: Annotated[str, Field(max_length=63), MODEL_FORM] = Field(
        default="balanced",
        description="A profile (fast, balanced, accurate) or a model of the operand version's catalogue; "
        "with source a name that is not in it.",
    )
    languages: Annotated[
        tuple[Annotated[str, Field(max_length=8), LANGUAGE_FORM], ...], Field(max_length=64)
    ] = Field(
        default=(),
        description="Languages of the pages (BCP 47), such as en; fewer characters are read faster. "
        "All that the model reads when empty.",
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
    )
    source: ModelSource | None = None
    sha256: Annotated[str, Field(max_length=64), SHA256_FORM] | None = Field(
        default=None, description="Digest of the own model's files; pods with others do not start."
    )

    @model_validator(mode="after")
    def _own_is_verified(self) -> Self:
        if (self.source is None) != (self.sha256 is None):
            raise ValueError(OWN_MODEL[1])
        return self


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

    model_config = ConfigDict(json_schema_extra=cel(AUTOSCALING_ALONE))

    replicas: Annotated[int, Field(ge=0, le=1000)] | None = Field(
        default=None, description="Pods to run; 2 when absent. Also set by kubectl scale."
    )
    autoscaling: Autoscaling | None = None
    resources: Resources = Field(
        default=Resources(requests=ResourceList(cpu="1", memory="1Gi"), limits=ResourceList(memory="1Gi")),
        description="Compute of one pod.",
    )
    runtime: Runtime = Runtime()
    startup_timeout_seconds: Annotated[int, Field(ge=10, le=3600)] = Field(
        default=120,
        description="Time to load and warm up the model before the pod is restarted; with model.source.http "
        "also the time to fetch it before.",
    )
    scheduling: Scheduling = Scheduling()
    pod_labels: PodLabels = Field(default={}, description="Further labels of the pods; none when empty.")
    pod_annotations: PodAnnotations = Field(
        default={}, description="Further annotations of the pods; none when empty."
    )
    env: Annotated[tuple[EnvVar, ...], Field(max_length=32)] = Field(
        default=(),
        description="Further environment variables; none when empty.",
        json_schema_extra=map_list("name"),
    )

    @model_validator(mode="after")
    def _one_sets_replicas(self) -> Self:
        if self.replicas is not None and self.autoscaling is not None:
            raise ValueError(AUTOSCALING_ALONE[1])
        return self

    @model_validator(mode="after")
    def _env_names_differ(self) -> Self:
        if len({variable.name for variable in self.env}) < len(self.env):
            raise ValueError("every name in env may stand only once")
        return self
