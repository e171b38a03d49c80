"""/v2: the Open Inference Protocol, passed through to a model server."""

import re
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from ocr_gateway.deadline import Deadline
from ocr_gateway.documents import body
from ocr_gateway.problems import Problem
from ocr_gateway.routes.answers import InferenceAnswer, InferenceError, InferenceRequest
from ocr_gateway.routes.operation import BODY, BYTES, UPSTREAM, Header, Operation, Reply
from ocr_gateway.services import exchange_of, services_of, while_connected
from ocr_gateway.upstream.answer import Answer
from ocr_gateway.upstream.client import Call
from ocr_wire import oip

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


MODEL = "/v2/models/{model}"
VERSION = MODEL + "/versions/{version}"
SERVER_READS = {
    "/v2": "The server's name, version and extensions.",
    "/v2/health/live": "Whether a model server lives.",
    "/v2/health/ready": "Whether a model server is ready.",
}
MODEL_READS = {"": "A model's inputs and outputs.", "/ready": "Whether a model is ready."}
NAMES: Mapping[str, Mapping[str, object]] = {
    "model": {"type": "string", "enum": ["ocr", "ocr-model"]},
    "version": {"type": "string", "enum": ["1"]},
}
# What a model server refuses comes back as it said it.
ERRORS = {
    status: Reply("The model server's refusal.", {"application/json": InferenceError})
    for status in (400, 404, 408, 413, 415, 422, 500, 503, 504)
}
READ_ANSWERS = {200: Reply("As the protocol has it.", {"application/json": {"type": "object"}})}


TENSOR = r"{\"name\": \"image\", \"shape\": [1], \"datatype\": \"BYTES\", \"data\": [\"$IMAGE\"]}"
INFER_EXAMPLE = rf'--json "{{\"inputs\": [{TENSOR}]}}"'


def _read(path: str, summary: str, names: tuple[str, ...] = ()) -> Operation:
    return Operation(
        "GET",
        path,
        inspect,
        summary,
        answers=READ_ANSWERS,
        problems=UPSTREAM | ({"not_found"} if names else set()),
        path_schema={name: NAMES[name] for name in names},
        other_errors={status: ERRORS[status] for status in (404, 503)},
    )


def _infer(path: str, names: tuple[str, ...]) -> Operation:
    return Operation(
        "POST",
        path,
        infer,
        "An inference; tensors as JSON or, with the binary tensor extension, as bytes.",
        answers={
            200: Reply(
                "The model's outputs.",
                {"application/json": InferenceAnswer, "application/octet-stream": BYTES},
            )
        },
        problems=BODY | UPSTREAM | {"not_found"},
        bodies={"application/json": InferenceRequest, "application/octet-stream": BYTES},
        headers=(Header(oip.HEADER_LENGTH, "Bytes of JSON before the bytes of the tensors."),),
        path_schema={name: NAMES[name] for name in names},
        other_errors=ERRORS,
        curl=INFER_EXAMPLE,
    )


OPERATIONS = (
    *(_read(path, summary) for path, summary in SERVER_READS.items()),
    *(_read(MODEL + end, summary, ("model",)) for end, summary in MODEL_READS.items()),
    *(_read(VERSION + end, summary, ("model", "version")) for end, summary in MODEL_READS.items()),
    _infer(MODEL + "/infer", ("model",)),
    _infer(VERSION + "/infer", ("model", "version")),
)
