"""A request's document and options, whichever of the three ways it was sent."""

import asyncio
import base64
import binascii
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request

from ocr_gateway.documents import multipart
from ocr_gateway.options import Options
from ocr_gateway.problems import Problem

Given = Mapping[str, object]
M = TypeVar("M", bound=BaseModel)

MAX_DOCUMENTS = 16


@dataclass(frozen=True)
class Source:
    """The document's bytes as the client had them, and the options by name, not checked yet."""

    data: bytes
    options: Given


@dataclass(frozen=True)
class Shape:
    """What a route takes: the multipart field of the document, and the names of its options."""

    file_field: str
    options: frozenset[str] = frozenset()


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Content(_Strict):
    """A document inside JSON."""

    content: str = Field(
        description="The file in base64 (RFC 4648, section 4), without line breaks.",
        json_schema_extra={"contentEncoding": "base64"},
    )


class JsonBody(_Strict):
    """A document and its options."""

    document: Content
    options: Options = Options()


class JsonBatch(_Strict):
    """Several documents and the options that hold for all of them."""

    documents: tuple[Content, ...] = Field(min_length=1, max_length=MAX_DOCUMENTS)
    options: Options = Options()


def media_type(request: Request) -> str:
    """The Content-Type without its parameters, in lower case."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def query_options(request: Request, shape: Shape) -> Given:
    """The options of the query string.

    Raises:
        Problem: unknown_parameter, invalid_parameter (given twice).
    """
    return _options(request.query_params.multi_items(), shape.options, where="query parameter")


async def from_form(request: Request, pieces: AsyncIterator[bytes], shape: Shape) -> Source:
    """The document of a multipart form."""
    (data, *others), options = await several_from_form(request, pieces, shape)
    if others:
        raise Problem(
            "invalid_parameter",
            f"The form has {1 + len(others)} fields {shape.file_field!r}; send one document a request.",
            limit=1,
            actual=1 + len(others),
        )
    return Source(data, options)


async def several_from_form(
    request: Request,
    pieces: AsyncIterator[bytes],
    shape: Shape,
    *,
    max_parts: int = multipart.MAX_PARTS,
    documents_needed: bool = True,
) -> tuple[list[bytes], Given]:
    """All documents of a multipart form and the options beside them."""
    content_type = request.headers.get("content-type", "")
    parts = await multipart.parse(content_type, pieces, files={shape.file_field}, max_parts=max_parts)
    documents = [bytes(part.data) for part in parts if part.name == shape.file_field]
    others = [(p.name, p.data.decode("utf-8", "replace")) for p in parts if p.name != shape.file_field]
    options = _options(others, shape.options, where="form field", also={shape.file_field})
    if not documents and documents_needed:
        raise Problem(
            "missing_document", f"The form has no field {shape.file_field!r}; put the document in it."
        )
    return documents, options


async def from_json(body: bytes) -> Source:
    """The document of a JSON body, `{"document": {"content": "<base64>"}, "options": {...}}`."""
    parsed = await asyncio.to_thread(parse_json, JsonBody, body)
    data = await asyncio.to_thread(from_base64, parsed.document.content, "document.content")
    return Source(data, parsed.options.model_dump(exclude_unset=True))


async def several_from_json(body: bytes) -> tuple[list[bytes], Given]:
    """All documents of a JSON body, `{"documents": [{"content": "<base64>"}], "options": {...}}`."""
    parsed = await asyncio.to_thread(parse_json, JsonBatch, body)
    documents = [
        await asyncio.to_thread(from_base64, document.content, f"documents.{place}.content")
        for place, document in enumerate(parsed.documents)
    ]
    return documents, parsed.options.model_dump(exclude_unset=True)


def parse_json(model: type[M], body: bytes) -> M:
    """A JSON body.

    Raises:
        Problem: empty_body, invalid_json, unknown_parameter, missing_document, invalid_parameter.
    """
    if not body:
        raise Problem("empty_body", f"The body is empty; send JSON with {', '.join(model.model_fields)}.")
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise _json_problem(error, model) from None


def from_base64(content: str, name: str) -> bytes:
    """The bytes of a JSON member or a form field; raises Problem: invalid_base64."""
    try:
        return base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Problem(
            "invalid_base64",
            f"{name} is not base64 ({error}). Use the standard alphabet with padding, "
            "without line breaks and without a data: prefix.",
        ) from None


def _json_problem(error: ValidationError, model: type[BaseModel]) -> Problem:
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, first["loc"]))
    if first["type"] == "json_invalid":
        return Problem("invalid_json", f"{first['msg']}.")
    if first["type"] == "extra_forbidden":
        known = Options.model_fields if first["loc"][0] == "options" else model.model_fields
        return _unknown("JSON member", place, known)
    if first["type"] == "missing":
        wanted = ", ".join(name for name, field in model.model_fields.items() if field.is_required())
        return Problem("missing_document", f"{place} is missing; the document belongs into {wanted}.")
    where = place or "The body"
    return Problem("invalid_parameter", f"{where}: {first['msg']}.")


def _options(
    given: Iterable[tuple[str, str]], known: Collection[str], *, where: str, also: Collection[str] = ()
) -> dict[str, str]:
    options: dict[str, str] = {}
    for name, value in given:
        if name not in known:
            raise _unknown(where, name, {*known, *also})
        if name in options:
            raise Problem("invalid_parameter", f"The {where} {name!r} is given twice; give it once.")
        options[name] = value
    return options


def _unknown(where: str, name: str, known: Collection[str]) -> Problem:
    listed = ", ".join(sorted(known)) if known else "none"
    return Problem("unknown_parameter", f"The {where} {name[:64]!r} is unknown; known: {listed}.")
