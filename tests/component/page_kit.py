"""What tests of the page stand on: a gateway in a loop of its own, and an API that answers as it is told."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ocr_gateway.routes import page
from ocr_wire import oip
from ocr_wire.result import Document, Line, Page
from tests.unit.gateway_kit import MODEL, Behaviour, ModelServer, free_socket, served

SIZE = (400, 300)
Scripted = Callable[[Request], Awaitable[Response]]


def line(text: str, row: int, confidence: float = 0.98) -> Line:
    """A line across the page."""
    top = 20.0 + 30 * row
    corners = ((20.0, top), (380.0, top), (380.0, top + 20), (20.0, top + 20))
    return Line(text=text, confidence=confidence, polygon=corners, bbox=(20, top, 380, top + 20))


def saying(*texts: str, confidences: Iterable[float] = ()) -> Behaviour:
    """A behaviour of the model server: every page has these lines."""
    sure = [*confidences, *[0.98] * len(texts)]
    lines = tuple(line(text, row, sure[row]) for row, text in enumerate(texts))
    read = Document(model=MODEL, pages=(Page(width=SIZE[0], height=SIZE[1], lines=lines),))

    async def answer(request: Request, _: ModelServer) -> Response:
        length = request.headers.get(oip.HEADER_LENGTH)
        call = oip.decode_request(await request.body(), int(length) if length else None)
        output = oip.bytes_tensor("result", (read.model_dump_json().encode(),))
        message = oip.encode_response(oip.InferResponse("ocr", (output,), id=call.id))
        return Response(message.body, headers=message.headers)

    return answer


def page_json(number: int, *texts: str) -> dict[str, Any]:
    """A page of an answer."""
    lines = [{"id": row, **line(text, row).model_dump()} for row, text in enumerate(texts)]
    size = {"width": SIZE[0], "height": SIZE[1]}
    return {"page": number, **size, "text": "\n".join(texts), "confidence": 0.98, "lines": lines}


def problem(status: int, code: str, title: str, detail: str, **headers: str) -> Response:
    """A refusal as the gateway makes it."""
    told = {"title": title, "status": status, "detail": detail, "code": code, "instance": "req_scripted"}
    content = json.dumps({**told, "retryable": status >= 500})
    return Response(content, status, headers, media_type="application/problem+json")


def event(name: str, **members: Any) -> bytes:
    """One line of a stream."""
    return json.dumps({"event": name, **members}).encode() + b"\n"


def whole(*pages: Mapping[str, Any]) -> Response:
    """An answer in JSON."""
    content = {"id": "req_1", "status": "succeeded", "pages": pages, "timings_ms": {"read": 1.0}}
    return Response(json.dumps(content), media_type="application/json")


@asynccontextmanager
async def scripted_api(answer: Scripted) -> AsyncIterator[str]:
    """The page in front of an API that answers by a script; its URL."""
    app = Starlette(routes=[*page.ROUTES, Route("/v1/ocr", answer, methods=["POST"])])
    listener = free_socket()
    config = uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=1)
    async with served(uvicorn.Server(config), listener):
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
