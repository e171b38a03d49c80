"""The outermost layer: request ids, fixed headers, the access log, metrics and the last resort for errors."""

import asyncio
import logging
import re
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ocr_gateway.metrics import PROBES, Answered, Metrics
from ocr_gateway.problems import ClientGone, Problem, render
from ocr_wire.logs import CONTEXT, Sampler
from ocr_wire.trace import HEADER, TraceContext
from ocr_wire.tracing import Passing, Span, Tracer

CLIENT_CLOSED = 499  # nginx's number for a client that left; only in the log and the metrics
ERRORS, SERVER_ERROR = 400, 500
LINGER_SECONDS = 2.0
LINGER_BYTES = 64 * 1024 * 1024
REQUEST_ID = re.compile(r"[A-Za-z0-9._:+/=-]{1,128}")
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# An answer shown by a browser must not act, be framed, or tell where its reader goes next.
DEFAULT_HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "Cache-Control": "no-store",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
        "Referrer-Policy": "no-referrer",
    }
)
UNTRACED = Passing()

log = logging.getLogger(__name__)


@dataclass
class Exchange:
    """What is known of one request while it is served; at `scope["state"]["exchange"]`."""

    request_id: str
    trace: TraceContext
    body_pending: bool
    started: float = field(default_factory=time.perf_counter)
    received_bytes: int = 0
    sent_bytes: int = 0
    status: int | None = None
    problem: str | None = None
    auth_failure: str | None = None
    unfinished: bool = False
    # An API key's client, a token's subject, else the peer's address; the gate finds it out.
    client: str | None = None


def request_id(headers: Headers) -> str:
    """The client's X-Request-Id when it is short and plain (it goes into logs), else a new one."""
    given = headers.get("x-request-id", "")
    return given if REQUEST_ID.fullmatch(given) else f"req_{uuid.uuid4().hex}"


def route_of(scope: Scope) -> str:
    """The template of the route that matched."""
    return getattr(scope.get("route"), "path", "unmatched")


class Edge:
    """ASGI middleware around everything else; lets no exception and no unlogged request through."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        metrics: Metrics,
        tracer: Tracer,
        draining: Callable[[], bool],
        access_log: Sampler,
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._tracer = tracer
        self._draining = draining
        self._access_log = access_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        tracer = UNTRACED if scope["path"] in PROBES else self._tracer
        with tracer.span(scope["method"], "server", Headers(scope=scope).get(HEADER, "")) as span:
            await self._exchange(scope, receive, send, span)

    async def _exchange(self, scope: Scope, receive: Receive, send: Send, span: Span) -> None:
        headers = Headers(scope=scope)
        has_body = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
        exchange = Exchange(request_id(headers), span.context, body_pending=has_body)
        CONTEXT.set({"request_id": exchange.request_id, "trace_id": exchange.trace.trace_id})
        scope.setdefault("state", {})["exchange"] = exchange
        receiver = self._receiver(exchange, receive)
        sender = self._sender(exchange, send, secure=scope["scheme"] == "https")
        with self._metrics.in_flight.track_inprogress():
            try:
                await self._answer(scope, receiver, sender, exchange)
            finally:
                self._record(scope, exchange, span)
        if exchange.unfinished:
            await self._linger(exchange, receiver)
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _answer(self, scope: Scope, receive: Receive, send: Send, exchange: Exchange) -> None:
        try:
            await self._app(scope, receive, send)
        except ClientGone:
            exchange.status = CLIENT_CLOSED
        except Exception:  # the last resort: the client gets an id to report, the log the rest
            log.exception("request failed")
            if exchange.status is not None:
                raise  # half an answer is out: only closing the connection tells the truth
            exchange.problem = "internal"
            problem = Problem("internal", f"Report request {exchange.request_id} to the operators.")
            response = render(problem, request_id=exchange.request_id, path=scope["path"])
            await response(scope, receive, send)

    def _receiver(self, exchange: Exchange, receive: Receive) -> Receive:
        async def receiver() -> Message:
            message = await receive()
            exchange.received_bytes += len(message.get("body", b""))
            if not message.get("more_body", False):
                exchange.body_pending = False
            return message

        return receiver

    def _sender(self, exchange: Exchange, send: Send, *, secure: bool) -> Send:
        async def sender(message: Message) -> None:
            if message["type"] == "http.response.start":
                exchange.status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = exchange.request_id
                headers["X-Content-Type-Options"] = "nosniff"
                for name, value in DEFAULT_HEADERS.items():
                    headers.setdefault(name, value)
                if secure:
                    headers["Strict-Transport-Security"] = "max-age=31536000"
                if exchange.body_pending or self._draining():
                    headers["Connection"] = "close"
            else:
                exchange.sent_bytes += len(message.get("body", b""))
                if exchange.body_pending:
                    exchange.unfinished = not message.get("more_body", False)
                    message["more_body"] = True
            await send(message)

        return sender

    async def _linger(self, exchange: Exchange, receive: Receive) -> None:
        """Read on for a moment after an early refusal.

        A socket closed with unread data is reset, and the reset can overtake the answer (RFC 9112, 9.6).
        """
        end = exchange.received_bytes + LINGER_BYTES
        try:
            async with asyncio.timeout(LINGER_SECONDS):
                while exchange.body_pending and exchange.received_bytes < end:
                    await receive()
        except TimeoutError:
            log.debug("sender kept on after a refusal")

    def _record(self, scope: Scope, exchange: Exchange, span: Span) -> None:
        seconds = time.perf_counter() - exchange.started
        route = route_of(scope)
        status = exchange.status or CLIENT_CLOSED
        method = scope["method"] if scope["method"] in METHODS else "other"
        self._metrics.answered(
            Answered(
                route=route,
                method=method,
                status=status,
                seconds=seconds,
                received=exchange.received_bytes,
                sent=exchange.sent_bytes,
                exemplar=self._tracer.exemplar(exchange.trace),
                problem=exchange.problem,
                auth_failure=exchange.auth_failure,
            )
        )
        span.name = f"{method} {route}"
        span.attributes |= {
            "http.request.method": method,
            "http.route": route,
            "http.response.status_code": status,
            "kubeocr.request_id": exchange.request_id,
        }
        if status >= SERVER_ERROR:
            span.attributes["error.type"] = exchange.problem or str(status)
        quiet = scope["path"] in PROBES
        if not quiet and not self._access_log.takes(well=status < ERRORS):
            return
        level = logging.DEBUG if quiet else logging.INFO
        fields = {
            "request_id": exchange.request_id,
            "method": method,
            "route": route,
            "status": status,
            "duration_ms": round(seconds * 1000, 1),
            "bytes": exchange.received_bytes,
            "code": exchange.problem,
            "client": exchange.client,
        }
        log.log(level, "request", extra={k: v for k, v in fields.items() if v is not None})
