"""An operation of the API, declared once; from that it is served and described in /openapi.json."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ocr_gateway.access.gate import OPEN_PATHS
from ocr_gateway.formats.json import Answer

Endpoint = Callable[[Request], Awaitable[Response]]
# A model whose JSON it is, or a JSON schema; None: bytes that no schema describes.
Schema = type[BaseModel] | type[Answer] | Mapping[str, object] | None

EXAMPLES = {"job_id": "$JOB", "model": "ocr", "version": "1"}
BYTES: Mapping[str, object] = {"type": "string", "format": "binary"}

# Problem codes by what an operation does; each operation's `problems` is a union of these.
BODY = frozenset(
    {
        "empty_body",
        "body_too_large",
        "body_timeout",
        "queue_full",
        "tenant_busy",
        "unsupported_media_type",
    }
)
FORM = frozenset({"invalid_multipart", "too_many_parts", "missing_document"})
JSON = frozenset({"invalid_json", "invalid_base64", "missing_document"})
PARAMETERS = frozenset({"invalid_parameter", "unknown_parameter"})
PAGES = frozenset(
    {
        "corrupt_pdf",
        "encrypted_pdf",
        "image_too_small",
        "invalid_pages",
        "page_render_failed",
        "too_many_pages",
        "too_many_pixels",
        "undecodable_image",
    }
)
UPSTREAM = frozenset({"not_ready", "queue_full", "tenant_busy", "upstream_error", "deadline_exceeded"})
READING = BODY | PARAMETERS | PAGES | UPSTREAM
# What the last resort answers, whatever was asked, and what the gate does where it is not open.
ALWAYS = frozenset({"internal"})
GATE = frozenset({"unauthenticated", "tenant_quota"})


@dataclass(frozen=True)
class Header:
    """A header of a request or a response."""

    name: str
    description: str
    schema: Mapping[str, object] = field(default_factory=lambda: {"type": "string"})


@dataclass(frozen=True)
class Reply:
    """A success: what it says, its body by media type, and its headers of note."""

    description: str
    content: Mapping[str, Schema] = field(default_factory=dict)
    headers: tuple[Header, ...] = ()


@dataclass(frozen=True)
class Operation:
    """One method of one path.

    `query` is a model whose fields are the query parameters; `path_schema` describes each name in the path's
    braces; `other_errors` are answers over 399 that are not problems, by status; `curl` are the arguments of
    an example beside the URL.
    """

    method: str
    path: str
    endpoint: Endpoint
    summary: str
    answers: Mapping[int, Reply]
    problems: frozenset[str] = frozenset()
    bodies: Mapping[str, Schema] = field(default_factory=dict)
    query: type[BaseModel] | None = None
    headers: tuple[Header, ...] = ()
    path_schema: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    other_errors: Mapping[int, Reply] = field(default_factory=dict)
    curl: str = ""

    @property
    def example(self) -> str:
        """A shell command, with the service in $URL, a job's id in $JOB, a file in base64 in $IMAGE."""
        path = self.path
        for name, value in EXAMPLES.items():
            path = path.replace(f"{{{name}}}", value)
        return " ".join(filter(None, ("curl", self.curl, f'"$URL{path}"')))

    @property
    def codes(self) -> frozenset[str]:
        """All problem codes that it may answer with."""
        is_open = self.method == "GET" and self.path in OPEN_PATHS
        return self.problems | ALWAYS | (frozenset() if is_open else GATE)


def routes(operations: tuple[Operation, ...]) -> tuple[BaseRoute, ...]:
    """The routes that serve them; one for each path, so that a wrong method is told all that are right."""
    paths = dict.fromkeys(operation.path for operation in operations)
    return tuple(
        Route(path, _by_method({o.method: o.endpoint for o in operations if o.path == path}), methods=methods)
        for path in paths
        for methods in [[o.method for o in operations if o.path == path]]
    )


def _by_method(endpoints: Mapping[str, Endpoint]) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        # Starlette answers HEAD where GET is served (RFC 9110, 9.3.2).
        method = "GET" if request.method == "HEAD" else request.method
        return await endpoints[method](request)

    return endpoint
