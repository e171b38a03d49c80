"""Calls of model servers, with retries on another one."""

import asyncio
import logging
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp

from ocr_gateway.access.caller import caller
from ocr_gateway.deadline import Deadline
from ocr_gateway.metrics import Metrics
from ocr_gateway.problems import Problem
from ocr_gateway.upstream.answer import OK, UNAVAILABLE, Answer
from ocr_gateway.upstream.balancer import Balancer, Replica
from ocr_gateway.upstream.fairness import FairQueue
from ocr_gateway.upstream.traffic import Traffic
from ocr_wire.trace import HEADER
from ocr_wire.tracing import Span, Tracer, Value

SERVER_ERROR = 500
# Answers of a server that is broken, not busy (503) and not late (504).
OWN_FAULTS = frozenset({500, 502})
MAX_ATTEMPTS = 5
PIECE_BYTES = 256 * 1024
NO_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=2)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Call:
    """One request to any model server; it must be free of side effects, for it may be sent again.

    A `patient` one waits for its turn up to the deadline.
    """

    method: str
    path: str
    request_id: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    patient: bool = False


class Upstream:
    """All model servers as one."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        traffic: Traffic,
        balancer: Balancer,
        metrics: Metrics,
        tracer: Tracer,
        patience: float,
    ) -> None:
        self._session = session
        self._traffic = traffic
        self._balancer = balancer
        self._metrics = metrics
        self._tracer = tracer
        self._patience = patience
        self.queue = FairQueue(lambda: balancer.usable)

    async def send(self, call: Call, deadline: Deadline) -> Answer:
        """Send an inference when it is the client's turn, anything else at once.

        Raises:
            Problem: queue_full when the turn would come too late; not_ready as `_send`.
        """
        if call.body is None:
            return await self._send(call, deadline)
        async with self.queue.turn(caller().client, deadline, patient=call.patient):
            return await self._send(call, deadline)

    async def _send(self, call: Call, deadline: Deadline) -> Answer:
        """Send to one server, and to another one after a failed connection or a 503.

        Inference has no side effects, so a connection that breaks at any moment is a reason to send again.
        Returns the last 503 when every server that could be tried is full. The caller enforces the deadline.

        Raises:
            Problem: not_ready when no server was there within a few seconds.
        """
        tried: set[Replica] = set()
        refusal: Answer | None = None
        patience: Deadline | None = None
        attempt = 0
        while attempt < MAX_ATTEMPTS:
            replica = self._pick(call, tried)
            if replica is None:
                patience = patience or Deadline.after(self._patience)
                if refusal is not None or not patience.remaining():
                    break
                tried.clear()
                # An ejection ends by the clock alone, so look again now and then.
                await self._balancer.wait_for_change(min(patience.remaining(), 0.25))
                continue
            attempt += 1
            tried.add(replica)
            answer = await self._attempt(replica, call, deadline, attempt)
            if answer is not None and answer.status != UNAVAILABLE:
                return answer
            refusal = answer or refusal
        if refusal is not None:
            return refusal
        raise Problem(
            "not_ready",
            "No model server could be reached. Try again in a moment; if it lasts, look at their pods.",
            retry_after=1,
        )

    def _pick(self, call: Call, tried: Collection[Replica]) -> Replica | None:
        """Of the upstream where the request belongs; of another one when that has none to try."""
        order = self._traffic.split.order(call.request_id)
        picked = (self._balancer.pick(exclude=tried, upstream=upstream) for upstream in order)
        return next(filter(None, picked), None)

    async def _attempt(self, replica: Replica, call: Call, deadline: Deadline, attempt: int) -> Answer | None:
        """One try; None when the server is not there (no connection, or not ready), so another one may be."""
        clock, split = asyncio.get_running_loop().time, self._traffic.split
        started = clock()
        result = "cancelled"
        replica.in_flight += 1
        try:
            with self._tracer.span(call.method, "client", caller().trace.header) as span:
                span.attributes |= _attributes(replica, call, attempt)
                answer = await self._exchange(replica, call, deadline, span)
            result = _result(answer.status)
        except (aiohttp.ClientError, OSError) as error:  # a TimeoutError is an OSError, too
            result = "connect_error"
            self._balancer.failed(replica)
            log.warning(
                "model server failed",
                extra={
                    "request_id": call.request_id,
                    "endpoint": replica.endpoint.authority,
                    "error": f"{type(error).__name__}: {error}",
                    "attempt": attempt,
                },
            )
            return None
        except asyncio.CancelledError:
            result = "cancelled" if deadline.remaining() else "timeout"
            raise
        finally:
            replica.in_flight -= 1
            seconds = clock() - started
            self._metrics.called(result, attempt=attempt, seconds=seconds)
            if call.body is not None and result != "refused":
                self._metrics.tried(split, replica.upstream, result, seconds)
        if answer.status == UNAVAILABLE and answer.error.code == "not_ready":
            self._balancer.judged(replica, ready=False)
            return None
        self._balancer.answered(replica, well=answer.status not in OWN_FAULTS)
        if answer.status == OK and "queue" in (timings := answer.timings_ms):
            self.queue.learn(seconds, timings["queue"] / 1000)
        return answer

    async def _exchange(self, replica: Replica, call: Call, deadline: Deadline, span: Span) -> Answer:
        length = {} if call.body is None else {"Content-Length": str(len(call.body))}
        headers = {
            **call.headers,
            **length,
            "X-Request-Id": call.request_id,
            HEADER: span.context.header,
            "X-Request-Deadline-Ms": str(round(deadline.remaining() * 1000)),
        }
        async with (
            _given_up_when_silent(replica),
            self._session.request(
                call.method,
                f"http://{replica.endpoint.authority}{call.path}",
                headers=headers,
                data=None if call.body is None else _pieces(call.body),
                allow_redirects=False,
                timeout=NO_TIMEOUT,
            ) as response,
        ):
            names = {name.lower(): value for name, value in response.headers.items()}
            span.attributes["http.response.status_code"] = response.status
            if response.status >= SERVER_ERROR:
                span.attributes["error.type"] = str(response.status)
            return Answer(response.status, names, await response.read())


@asynccontextmanager
async def _given_up_when_silent(replica: Replica) -> AsyncIterator[None]:
    """Raises TimeoutError inside when the balancer finds that the server vanished."""
    async with asyncio.timeout(None) as attempt:
        replica.attempts.add(attempt)
        try:
            yield
        finally:
            replica.attempts.discard(attempt)


async def _pieces(body: bytes) -> AsyncIterator[memoryview]:
    """The body without a copy of it; the loop turns between the pieces."""
    view = memoryview(body)
    for start in range(0, len(view), PIECE_BYTES):
        yield view[start : start + PIECE_BYTES]


def _result(status: int) -> str:
    """A 503 is no work done: the server is full, or not ready."""
    if status == UNAVAILABLE:
        return "refused"
    return "5xx" if status >= SERVER_ERROR else "ok"


def _attributes(replica: Replica, call: Call, attempt: int) -> dict[str, Value]:
    """OpenTelemetry's conventions for HTTP clients."""
    return {
        "http.request.method": call.method,
        "http.request.resend_count": attempt - 1,
        "server.address": replica.endpoint.ip,
        "server.port": replica.endpoint.port,
    }


def open_session() -> aiohttp.ClientSession:
    """Connections that are kept; how many there are is bounded by the requests the gateway admits.

    They are closed before uvicorn's idle limit of 5 s, at which a server's close could meet our next request.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=4),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
        skip_auto_headers=("Content-Type", "Accept-Encoding"),
    )
