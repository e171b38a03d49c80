"""The JSON answers as models: the schemas that /openapi.json shows."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from ocr_gateway.formats.json import Answer
from ocr_wire.card import ModelCard


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class ProblemDocument(_Answer):
    """What went wrong (RFC 9457)."""

    type: str = Field(description="A URI that names the kind of problem.")
    title: str
    status: int = Field(ge=400, le=599)
    detail: str = Field(description="The value, the limit and the way out.")
    instance: str = Field(description="The request's id.")
    code: str = Field(description="A stable name to program against.")
    retryable: bool = Field(description="Whether the same request may work later.")
    limit: float | None = None
    actual: float | None = None
    page: int | None = Field(None, ge=1)
    error: str | None = Field(None, description="Under /v2 the detail again, as its clients read it.")


class Tensor(_Answer):
    """A tensor of the Open Inference Protocol."""

    name: str
    shape: list[int]
    datatype: str
    parameters: dict[str, JsonValue] | None = None
    data: list[JsonValue] | None = None


class InferenceRequest(_Answer):
    """An inference request: a tensor `image`, BYTES (image files in base64) or UINT8 (pixels in RGB)."""

    id: str | None = None
    parameters: dict[str, JsonValue] | None = None
    inputs: list[Tensor] = Field(min_length=1)
    outputs: list[dict[str, JsonValue]] | None = None


class InferenceAnswer(_Answer):
    """An inference response."""

    model_name: str
    model_version: str | None = None
    id: str | None = None
    outputs: list[Tensor]


class InferenceError(_Answer):
    """A model server's error."""

    error: str | None = None
    code: str | None = None
    limit: float | None = None
    actual: float | None = None


class Slot(_Answer):
    """What became of one document of a batch: one of the two."""

    document: Answer | None = None
    error: ProblemDocument | None = None


class BatchAnswer(_Answer):
    """The documents of a batch, in the order in which they were sent."""

    id: str
    results: list[Slot]


class Progress(_Answer):
    """Pages of a job; `pages_total` is not known before the document has been opened."""

    pages_done: int = Field(ge=0)
    pages_total: int | None = Field(None, ge=1)


class JobAnswer(_Answer):
    """How a job stands. Times are of RFC 3339."""

    id: str
    status: Literal["queued", "running", "succeeded", "failed", "cancelled"]
    progress: Progress
    created: str
    started: str | None = None
    finished: str | None = None
    expires: str
    error: ProblemDocument | None = Field(None, description="What a failed job failed of.")


class FormatAnswer(_Answer):
    """A format of answers: its name in `output`, and its media type."""

    name: str
    media_type: str


class OptionAnswer(_Answer):
    """An option, and what it may be as a JSON schema."""

    name: str
    description: str
    schema_: dict[str, JsonValue] = Field(alias="schema")


class JobLimits(_Answer):
    """What holds for jobs; sizes in bytes, times in seconds."""

    store: Literal["memory", "redis"]
    max_jobs: int
    max_bytes: int
    timeout_seconds: float
    ttl_seconds: float
    max_wait_seconds: float


class LimitsAnswer(_Answer):
    """What holds for one request; sizes in bytes, times in seconds."""

    max_body_bytes: int
    max_pages: int
    max_image_pixels: int
    min_image_side: int
    max_batch_documents: int
    request_timeout_seconds: float


class CapabilitiesAnswer(_Answer):
    """What this service can do."""

    version: str
    formats_in: list[str]
    formats_out: list[FormatAnswer]
    options: list[OptionAnswer]
    limits: LimitsAnswer
    jobs: JobLimits | None = Field(description="null where no jobs are kept.")
    models: list[ModelCard]


class ModelsAnswer(_Answer):
    """The models that read documents here."""

    models: list[ModelCard]
