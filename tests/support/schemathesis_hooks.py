"""What a schema cannot say about valid requests: which bytes are a picture, and what excludes what."""

import base64
from collections.abc import Iterator
from itertools import product
from typing import Any

import schemathesis
from hypothesis import strategies
from schemathesis.transport.serialization import Binary

PNG_BASE64 = (
    "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAIAQAAAADsdIMmAAAADUlEQVR4nGP4z8SADAEPcQEOqa2awAAAAABJRU5ErkJggg=="
)
TENSOR = {"name": "image", "shape": [1], "datatype": "BYTES", "data": [PNG_BASE64]}

PNG = base64.b64decode(PNG_BASE64)
# Fields of forms that are text to a schema and more to the server; tests of their own have them.
TEXTS = {"/compat/liteparse/ocr": "language", "/compat/tesseract": "options"}
# 1 ms is a valid deadline, and so is the 504 after it; which pages a document has no schema knows.
OPTIONS = ("deadline_ms", "pages")
IMAGES = [f"image/{name}" for name in ("jpeg", "webp", "tiff", "bmp", "gif")]

schemathesis.openapi.format("binary", strategies.just(Binary(PNG)))
schemathesis.openapi.media_type("image/png", strategies.just(PNG), aliases=IMAGES)


@schemathesis.hook
def before_load_schema(_: Any, raw_schema: dict[str, Any]) -> None:
    """Leave out what a schema does not tell."""
    operations = [operation for path in raw_schema["paths"].values() for operation in path.values()]
    schemas = [schema for name, schema in raw_schema["components"]["schemas"].items() if "Options" in name]
    for operation in operations:
        parameters = operation.get("parameters", [])
        parameters[:] = [each for each in parameters if each["name"] not in OPTIONS]
        schemas += [
            content["schema"] for content in operation.get("requestBody", {"content": {}})["content"].values()
        ]
    for schema, name in product(schemas, OPTIONS):
        schema.get("properties", {}).pop(name, None)
    for path, name in TEXTS.items():
        content = raw_schema["paths"][path]["post"]["requestBody"]["content"]
        del content["multipart/form-data"]["schema"]["properties"][name]


@schemathesis.hook
def filter_body(_: Any, body: Any) -> bool:
    """Leave out forms with an empty list: nothing of it is sent, so nothing can be refused."""
    return not isinstance(body, dict) or [] not in body.values()


@schemathesis.hook
def before_call(_: Any, case: schemathesis.Case, **__: Any) -> None:
    """Make a request that is valid by the schema valid altogether; what is to be refused stays as it is."""
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    if case.path.endswith("/infer"):
        (case.headers or {}).pop("Inference-Header-Content-Length", None)
        case.body, case.media_type = {"inputs": [TENSOR]}, "application/json"
        return
    if case.path == "/compat/paddlex/ocr":
        case.body["file"] = PNG_BASE64
    elif isinstance(case.body, dict):
        _draw_documents(case.body)
        for name in set(_option_names(case.body)) & set(case.query or {}):
            del case.query[name]


def _draw_documents(body: dict[str, Any]) -> None:
    for document in (body.get("document"), *body.get("documents", ())):
        if isinstance(document, dict):
            document["content"] = PNG_BASE64


def _option_names(body: dict[str, Any]) -> Iterator[str]:
    yield from body
    yield from body.get("options") or ()
