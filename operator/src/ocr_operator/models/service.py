"""The resource as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from ocr_operator.models.base import cel
from ocr_operator.models.spec import Spec
from ocr_operator.models.status import Status

NAME_LENGTH: Final = 40
NAME_SIZE = (
    f"size(self.metadata.name) <= {NAME_LENGTH}",
    f"metadata.name may have at most {NAME_LENGTH} characters, because children are named after it",
)
NAME_FORM = (
    "self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
    "metadata.name must start with a letter and hold only a-z, 0-9 and '-': Services are named after it",
)


class Key(NamedTuple):
    """Identity of one OCRService: all that the queue knows of it."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


class Metadata(BaseModel):
    """The part of ObjectMeta that the operator reads; it writes none of it."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="ignore")

    name: str
    namespace: str = "default"
    uid: str = ""
    generation: int = Field(default=1, ge=0)
    deletion_timestamp: str | None = None


class OCRService(BaseModel):
    """One OCRService."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        frozen=True,
        extra="ignore",
        json_schema_extra=cel(NAME_SIZE, NAME_FORM),
    )

    api_version: Literal["kubeocr.dev/v1alpha1"] = "kubeocr.dev/v1alpha1"
    kind: Literal["OCRService"] = "OCRService"
    metadata: Metadata
    spec: Spec = Spec()
    status: Status = Status()

    @model_validator(mode="after")
    def _name(self) -> Self:
        name = self.metadata.name
        if len(name) > NAME_LENGTH:
            raise ValueError(NAME_SIZE[1])
        if not (name[:1].isalpha() and name[-1:].isalnum()):
            raise ValueError(NAME_FORM[1])
        return self

    @property
    def key(self) -> Key:
        """Namespace and name."""
        return Key(self.metadata.namespace, self.metadata.name)


class InvalidSpecError(Exception):
    """The stored object does not fit the model; the message names each field and what is wrong with it."""


def parse(body: Mapping[str, Any]) -> OCRService:
    """Read an OCRService from its JSON form. A status of another version is dropped: it is rewritten anyway.

    Raises InvalidSpecError.
    """
    try:
        status = Status.model_validate(body.get("status") or {})
    except ValidationError:
        status = Status()
    try:
        service = OCRService.model_validate({**body, "spec": body.get("spec") or {}, "status": {}})
    except ValidationError as error:
        raise InvalidSpecError("; ".join(_say(e["loc"], e["msg"]) for e in error.errors())) from error
    return service.model_copy(update={"status": status})


def _say(location: tuple[int | str, ...], message: str) -> str:
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).lstrip(".")
    text = message.removeprefix("Value error, ")
    return f"{path}: {text}" if path else text
