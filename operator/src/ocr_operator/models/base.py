"""What all models of the resource share: camelCase on the wire, frozen in Python, CEL beside the field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    WithJsonSchema,
)
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

# The JSON schema's keyword for a Form; crdgen turns it into a CEL rule.
FORM: Final = "x-form"
_LABEL: Final = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN: Final = rf"{_LABEL}(\.{_LABEL})*"


@dataclass(frozen=True)
class Form:
    """A string's pattern, with a message that says what to write; `pattern` would only show the pattern.

    The pattern must mean the same to Python and to RE2, and hold no single quote.
    """

    pattern: str
    says: str

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Check after the string's own constraints, as the apiserver runs CEL after the schema."""
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """The pattern and the message, as `FORM`."""
        return {**handler(schema), FORM: {"pattern": f"^({self.pattern})$", "says": self.says}}

    def _check(self, value: str) -> str:
        if not re.fullmatch(self.pattern, value):
            raise ValueError(self.says)
        return value


class Part(BaseModel):
    """A piece of the resource: unknown members are refused, as kubectl's strict validation does."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="forbid")

    def dump(self) -> dict[str, Any]:
        """The JSON form: camelCase, absent instead of null."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


def cel(*rules: tuple[str, str]) -> dict[str, Any]:
    """CEL rules as (rule, message) for `json_schema_extra`; each has a pydantic twin beside it."""
    return {"x-kubernetes-validations": [{"rule": rule, "message": message} for rule, message in rules]}


# A list that server-side apply takes as a whole.
ATOMIC: Final = {"x-kubernetes-list-type": "atomic"}


def map_list(*keys: str) -> dict[str, Any]:
    """A list that server-side apply merges by `keys`."""
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": list(keys)}


def _quantity(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


# The grammar of resource.Quantity: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
Quantity = Annotated[
    str,
    WithJsonSchema(
        {
            "anyOf": [{"type": "integer"}, {"type": "string"}],
            "x-kubernetes-int-or-string": True,
            "maxLength": 32,
        }
    ),
    Field(max_length=32),
    Form(
        r"[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?", "write an amount such as 2, 0.5, 500m, 512Mi or 1.5Gi"
    ),
    BeforeValidator(_quantity),
]
LabelKey = Annotated[
    str,
    Field(max_length=317),
    Form(
        rf"({_SUBDOMAIN}/)?[A-Za-z0-9]([-A-Za-z0-9_.]{{0,61}}[A-Za-z0-9])?",
        "write a key such as team or example.com/team; its name has up to 63 of A-Z, a-z, 0-9, '-', '_', '.'",
    ),
]
LabelValue = Annotated[
    str,
    Field(max_length=63),
    Form(
        "([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?",
        "write only A-Z, a-z, 0-9, '-', '_' and '.', with a letter or digit first and last",
    ),
]
Labels = Annotated[Mapping[LabelKey, LabelValue], Field(max_length=16)]
Annotations = Annotated[Mapping[LabelKey, Annotated[str, Field(max_length=4096)]], Field(max_length=32)]
ObjectName = Annotated[
    str,
    Field(max_length=253),
    Form(_SUBDOMAIN, "write the name of an object: only a-z, 0-9, '-' and '.', such as ocr-keys"),
]
# As the apiserver's IsConfigMapKey: neither "." nor ".." nor what starts with "..".
KEY_FORM: Final = Form(
    r"\.?[-_a-zA-Z0-9][-._a-zA-Z0-9]*", "write a key of the Secret: only A-Z, a-z, 0-9, '-', '_' and '.'"
)


class SecretKeyRef(Part):
    """A key of a Secret in the service's namespace."""

    name: ObjectName = Field(description="Name of the Secret.")
    key: Annotated[str, Field(max_length=253), KEY_FORM] = Field(description="Key in the Secret.")
