"""The OpenAPI 3.1 description, made from the operations that are served."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

from pydantic import BaseModel, TypeAdapter

from ocr_gateway.problems import CODES
from ocr_gateway.routes.answers import ProblemDocument
from ocr_gateway.routes.described import without_null
from ocr_gateway.routes.operation import Header, Operation, Reply, Schema

REF = "#/components/schemas/{model}"
RETRY_AFTER = Header("Retry-After", "Seconds after which to try again.", {"type": "integer", "minimum": 1})

Json = dict[str, Any]


@dataclass
class _Components:
    """Schemas of models, collected while they are referred to."""

    schemas: Json = field(default_factory=dict)

    def schema(self, schema: Schema, *, mode: str = "serialization") -> Json:
        """A reference to a model's schema, or the schema itself."""
        if schema is None:
            return {}
        if isinstance(schema, Mapping):
            return dict(schema)
        made = TypeAdapter(schema).json_schema(
            mode="validation" if mode == "validation" else "serialization", ref_template=REF
        )
        self.schemas.update(made.pop("$defs", {}))
        self.schemas[schema.__name__] = made
        return {"$ref": REF.format(model=schema.__name__)}

    def content(self, content: Mapping[str, Schema], *, mode: str = "serialization") -> Json:
        return {
            media_type: {"schema": described} if (described := self.schema(schema, mode=mode)) else {}
            for media_type, schema in content.items()
        }


def describe(operations: Iterable[Operation]) -> Json:
    """The whole document."""
    components = _Components()
    paths: Json = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, components)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "KubeOCR gateway",
            "version": version("kubeocr"),
            "description": "Documents in, text out. Errors are problems of RFC 9457 with stable codes.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {"schemas": components.schemas},
    }


def parameters(model: type[BaseModel]) -> list[Json]:
    """A model's fields as query parameters, where a value that is not given is not null but absent."""
    schema = TypeAdapter(model).json_schema(mode="validation")
    required = schema.get("required", ())
    return [
        {
            "name": name,
            "in": "query",
            "required": name in required,
            "description": given.get("description", ""),
            "schema": without_null(given),
        }
        for name, given in schema["properties"].items()
    ]


def _operation(operation: Operation, components: _Components) -> Json:
    described: Json = {
        "operationId": f"{operation.method.lower()}{re.sub('[^a-z0-9]+', '_', operation.path)}".strip("_"),
        "summary": operation.summary,
        "responses": _responses(operation, components),
    }
    given = [
        *(
            {"name": name, "in": "path", "required": True, "schema": dict(schema)}
            for name, schema in operation.path_schema.items()
        ),
        *(parameters(operation.query) if operation.query else ()),
        *({"in": "header", "required": False, **_header(h), "name": h.name} for h in operation.headers),
    ]
    if given:
        described["parameters"] = given
    if operation.bodies:
        content = components.content(operation.bodies, mode="validation")
        described["requestBody"] = {"required": True, "content": content}
    return described


def _responses(operation: Operation, components: _Components) -> Json:
    responses = {
        str(status): _answer(answer, components)
        for status, answer in (*operation.answers.items(), *operation.other_errors.items())
    }
    by_status: dict[int, list[str]] = {}
    for code in sorted(operation.codes):
        by_status.setdefault(CODES[code].status, []).append(code)
    for status, codes in sorted(by_status.items()):
        problem = _answer(_problem(status, codes, components), components)
        told = responses.setdefault(str(status), problem)
        if told is not problem:
            told["content"] |= problem["content"]
            told["description"] += f" {problem['description']}"
    return responses


def _problem(status: int, codes: list[str], components: _Components) -> Reply:
    base = components.schema(ProblemDocument)
    schema = {"allOf": [base], "properties": {"status": {"const": status}, "code": {"enum": codes}}}
    text = " ".join(f"`{code}`: {CODES[code].title}." for code in codes)
    headers = (RETRY_AFTER,) if any(CODES[code].status in {429, 503} for code in codes) else ()
    return Reply(text, {"application/problem+json": schema}, headers)


def _answer(answer: Reply, components: _Components) -> Json:
    described: Json = {"description": answer.description}
    if answer.content:
        described["content"] = components.content(answer.content)
    if answer.headers:
        described["headers"] = {header.name: _header(header) for header in answer.headers}
    return described


def _header(header: Header) -> Json:
    return {"description": header.description, "schema": dict(header.schema)}
