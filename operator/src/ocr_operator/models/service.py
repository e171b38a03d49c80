"""The resource as a whole."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails

from ocr_operator.models.base import cel
from ocr_operator.models.spec import Spec
from ocr_operator.models.status import ProfileStatus, Status

NAME_LENGTH: Final = 40
NAME_SIZE = (
    f"size(self.metadata.name) <= {NAME_LENGTH}",
    f"metadata.name may have at most {NAME_LENGTH} characters, because children are named after it",
)
NAME_PATTERN: Final = "^[a-z]([-a-z0-9]*[a-z0-9])?$"
NAME_FORM = (
    f"self.metadata.name.matches('{NAME_PATTERN}')",
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
    annotations: Mapping[str, str] = Field(default={})
    deletion_timestamp: str | None = None


class OCRService(BaseModel):
    """An OCR endpoint: gateways behind one address, and the model servers that read for them."""

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
    # No part of the resource: the state of the profile that is laid under the spec.
    profile: ProfileStatus | None = Field(default=None, exclude=True)

    @model_validator(mode="after")
    def _name(self) -> Self:
        name = self.metadata.name
        if len(name) > NAME_LENGTH:
            raise ValueError(NAME_SIZE[1])
        if not re.fullmatch(NAME_PATTERN, name):
            raise ValueError(NAME_FORM[1])
        return self

    @property
    def key(self) -> Key:
        """Namespace and name."""
        return Key(self.metadata.namespace, self.metadata.name)

    @property
    def judged(self) -> bool:
        """Whether its status is about the spec as it is now."""
        about = (self.status.observed_generation, self.status.profile)
        return about == (self.metadata.generation, self.profile)

    def says(self, annotation: str) -> bool:
        """Whether its user has said this of the spec as it is now; the profile's state is a part of that."""
        generation = str(self.metadata.generation)
        state = f"{generation}-{self.profile.hash}" if self.profile else generation
        return self.metadata.annotations.get(annotation) == state


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
        # From JSON text, strict takes what the apiserver takes: "2" is no number, and a list is a tuple.
        text = json.dumps(plain({**body, "status": {}}), default=str)
        service = OCRService.model_validate_json(text, strict=True, by_alias=True, by_name=False)
    except ValidationError as error:
        raise InvalidSpecError("; ".join(_say(found) for found in error.errors())) from error
    return service.model_copy(update={"status": status})


def plain(value: Any) -> Any:
    """Without members that are null, which the apiserver drops too; YAML's dates as keys become text."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items() if item is not None}
    return [plain(item) for item in value] if isinstance(value, list) else value


def _say(error: ErrorDetails) -> str:
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error["loc"]).lstrip(".")
    text = (
        "unknown field" if error["type"] == "extra_forbidden" else error["msg"].removeprefix("Value error, ")
    )
    return f"{path}: {text}" if path else text
