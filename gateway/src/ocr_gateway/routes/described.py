"""The schemas of request bodies, options and formats, as /openapi.json shows them."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, WithJsonSchema, create_model

from ocr_gateway.documents import source
from ocr_gateway.formats.json import Answer
from ocr_gateway.formats.negotiate import FORMATS as RENDERED
from ocr_gateway.options import Options
from ocr_gateway.routes.operation import BYTES, Schema
from ocr_wire import raster

# What documents are; any other type is taken as well, for the bytes decide.
MEDIA_TYPES = (
    "application/octet-stream",
    *(f"image/{name.lower()}" for name in raster.FORMATS),
    "application/pdf",
)
OUTPUT = Options.model_fields["output"]


class Output(BaseModel):
    """The one option of an answer that has been read before."""

    output: Annotated[str | None, OUTPUT] = None


def options(name: str, outputs: Iterable[str], base: type[BaseModel] = Options) -> type[BaseModel]:
    """The options, with the formats that `output` may name."""
    known = {"anyOf": [{"type": "string", "enum": list(outputs)}, {"type": "null"}]}
    fields: dict[str, Any] = {"output": (Annotated[str | None, WithJsonSchema(known)], OUTPUT)}
    return create_model(name, __base__=base, __doc__=base.__doc__, **fields)


ReadOptions = options("ReadOptions", RENDERED)
ResultOptions = options("ResultOptions", RENDERED, Output)
BatchOptions = options("BatchOptions", ["json"])
"""Those of a batch, whose answer is JSON."""


def body(model: type[BaseModel], of: type[BaseModel]) -> type[BaseModel]:
    """A JSON body with these options."""
    return create_model(model.__name__, __base__=model, __doc__=model.__doc__, options=(of, of()))


def form(
    fields: Mapping[str, object], required: str, of: type[BaseModel] | None = None
) -> Mapping[str, object]:
    """A multipart form of these fields and the options."""
    inner: dict[str, Any] = {} if of is None else of.model_json_schema()["properties"]
    properties = {**fields, **{name: without_null(schema) for name, schema in inner.items()}}
    return {"type": "object", "properties": properties, "required": [required], "additionalProperties": False}


def without_null(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of a parameter: without the null that stands for its absence, and without its title."""
    kept = {k: v for k, v in schema.items() if k not in {"title", "anyOf"}}
    if kept.get("default", 0) is None:
        del kept["default"]
    for option in schema.get("anyOf", ()):
        if option != {"type": "null"}:
            kept |= option
    return kept


DOCUMENT: Mapping[str, Schema] = {
    **dict.fromkeys(MEDIA_TYPES, BYTES),
    "multipart/form-data": form({"file": BYTES}, "file", ReadOptions),
    "application/json": body(source.JsonBody, ReadOptions),
}
BATCH: Mapping[str, Schema] = {
    "multipart/form-data": form(
        {"file": {"type": "array", "items": BYTES, "minItems": 1, "maxItems": source.MAX_DOCUMENTS}},
        "file",
        BatchOptions,
    ),
    "application/json": body(source.JsonBatch, BatchOptions),
}
# What no model describes is text of some kind, or bytes.
FORMATS: Mapping[str, Schema] = {
    media_type: Answer if name == "json" else {"type": "string"}
    for name, form in RENDERED.items()
    for media_type in (form.media_type, *form.also)
}
