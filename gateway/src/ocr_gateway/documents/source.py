"""A request's document and options, whichever of the three ways it was sent."""

import asyncio
import base64
import binascii
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import Request

from ocr_gateway.documents import multipart
from ocr_gateway.problems import Problem

Given = Mapping[str, object]


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


class _Content(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    content: str


class _JsonBody(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    document: _Content
    options: dict[str, object] = {}


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
    content_type = request.headers.get("content-type", "")
    parts = await multipart.parse(content_type, pieces, files={shape.file_field})
    documents = [part.data for part in parts if part.name == shape.file_field]
    others = [(p.name, p.data.decode("utf-8", "replace")) for p in parts if p.name != shape.file_field]
    options = _options(others, shape.options, where="form field", also={shape.file_field})
    if not documents:
        raise Problem(
            "missing_document", f"The form has no field {shape.file_field!r}; put the document in it."
        )
    if len(documents) > 1:
        raise Problem(
            "invalid_parameter",
            f"The form has {len(documents)} fields {shape.file_field!r}; send one document a request.",
            limit=1,
            actual=len(documents),
        )
    return Source(bytes(documents[0]), options)


async def from_json(body: bytes, shape: Shape) -> Source:
    """The document of a JSON body, `{"document": {"content": "<base64>"}, "options": {...}}`."""
    if not body:
        raise Problem("empty_body", 'The body is empty; send {"document": {"content": "<base64>"}}.')
    return await asyncio.to_thread(_parse_json, body, shape)


def _parse_json(body: bytes, shape: Shape) -> Source:
    try:
        parsed = _JsonBody.model_validate_json(body)
    except ValidationError as error:
        raise _json_problem(error) from None
    try:
        data = base64.b64decode(parsed.document.content, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Problem(
            "invalid_base64",
            f"document.content is not base64 ({error}). Use the standard alphabet with padding, "
            "without line breaks and without a data: prefix.",
        ) from None
    for name in parsed.options.keys() - shape.options:
        raise _unknown("option", name, shape.options)
    return Source(data, parsed.options)


def _json_problem(error: ValidationError) -> Problem:
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, first["loc"]))
    if first["type"] == "json_invalid":
        return Problem("invalid_json", f"{first['msg']}.")
    if first["type"] == "extra_forbidden":
        return _unknown("JSON member", place, {"document.content", "options"})
    if first["type"] == "missing":
        return Problem(
            "missing_document", f'{place} is missing; send {{"document": {{"content": "<base64>"}}}}.'
        )
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
