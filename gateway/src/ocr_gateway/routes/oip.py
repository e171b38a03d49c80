"""/v2: the Open Inference Protocol, passed through to a model server."""

import re

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ocr_gateway.deadline import Deadline
from ocr_gateway.documents import body
from ocr_gateway.problems import Problem
from ocr_gateway.services import exchange_of, services_of, while_connected
from ocr_gateway.upstream.answer import Answer
from ocr_gateway.upstream.client import Call

# Nothing else crosses: no credentials inwards, no hop-by-hop header either way.
REQUEST_HEADERS = ("content-type", "accept", "inference-header-content-length")
RESPONSE_HEADERS = ("content-type", "inference-header-content-length", "server-timing", "retry-after")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


async def inspect(request: Request) -> Response:
    """A GET of the server's or a model's metadata or readiness."""
    return await _forward(request, None, services_of(request).deadline())


async def infer(request: Request) -> Response:
    """An inference, as JSON or with binary tensors."""
    services = services_of(request)
    deadline = services.deadline()
    with services.admission.admit() as lease:
        pieces = body.chunks(request, services.body_limits, lease, deadline)
        return await _forward(request, await body.joined(pieces), deadline)


async def _forward(request: Request, content: bytes | None, deadline: Deadline) -> Response:
    for value in request.path_params.values():
        if not NAME.fullmatch(value):
            raise Problem("not_found", f"{value[:64]!r} is no name of a model or a version.")
    headers = {name: request.headers[name] for name in REQUEST_HEADERS if name in request.headers}
    call = Call(request.method, request.url.path, exchange_of(request).request_id, headers, content)
    answer = await while_connected(request, _send(request, call, deadline))
    kept = {name: answer.headers[name] for name in RESPONSE_HEADERS if name in answer.headers}
    return Response(answer.body, status_code=answer.status, headers=kept)


async def _send(request: Request, call: Call, deadline: Deadline) -> Answer:
    async with deadline.enforced():
        return await services_of(request).upstream.send(call, deadline)


def _routes() -> tuple[BaseRoute, ...]:
    model = "/v2/models/{model}"
    version = model + "/versions/{version}"
    server = ("/v2", "/v2/health/live", "/v2/health/ready")
    reads = (*server, *(path + end for path in (model, version) for end in ("", "/ready")))
    return (
        *(Route(path, inspect, methods=["GET"]) for path in reads),
        *(Route(path + "/infer", infer, methods=["POST"]) for path in (model, version)),
    )


ROUTES = _routes()
