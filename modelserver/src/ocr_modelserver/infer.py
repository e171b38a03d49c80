"""One infer request from its body to its response."""

import asyncio
import logging
import math
import re
import time
import uuid
from collections import Counter
from functools import partial
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from ocr_modelserver.body import read_body, until_disconnect
from ocr_modelserver.contract import CONTRACTS, VERSION, Contract
from ocr_modelserver.decode import Source
from ocr_modelserver.errors import ServiceError, as_service_error
from ocr_modelserver.scheduler import AbandonedError, DeadlineError, Job, QueueFullError
from ocr_modelserver.server import Server
from ocr_wire.oip import HEADER_LENGTH, InferRequest, OipError, decode_request, encode_response
from ocr_wire.raster import ImageProblem
from ocr_wire.result import Document

REQUEST_ID = "X-Request-Id"
DEADLINE = "X-Request-Deadline-Ms"

_log = logging.getLogger(__name__)
_SAFE_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_OUTCOMES = {"queue_full": "rejected", "not_ready": "rejected", "deadline_exceeded": "deadline"}
_SERVER_ERROR = 500


async def infer(request: Request) -> Response:
    """POST /v2/models/{model}/infer: answer, count and log."""
    server: Server = request.app.state.server
    request_id = request.headers.get(REQUEST_ID, "")
    if not _SAFE_ID.fullmatch(request_id):
        request_id = uuid.uuid4().hex
    started = time.monotonic()
    facts: dict[str, object] = {}
    try:
        response = await _answer(server, request, started, facts)
        outcome = "ok"
    except ServiceError as error:
        response = error.response()
        outcome = _OUTCOMES.get(
            error.code, "client_error" if error.status < _SERVER_ERROR else "server_error"
        )
        server.metrics.rejected(error.code)
        facts["code"] = error.code
    except (ClientDisconnect, AbandonedError):
        response = Response(status_code=499)  # nobody reads it: nginx's number for a client that has gone
        outcome = "cancelled"
    except Exception:  # noqa: BLE001 - the last resort; _log.exception keeps the traceback
        _log.exception("infer failed", extra={"request_id": request_id})
        response = ServiceError(
            "internal", f"internal error; its log line has the id {request_id}"
        ).response()
        outcome = "server_error"
    server.metrics.request(outcome)
    response.headers[REQUEST_ID] = request_id
    milliseconds = round((time.monotonic() - started) * 1000, 1)
    facts |= {
        "request_id": request_id,
        "status": response.status_code,
        "outcome": outcome,
        "ms": milliseconds,
    }
    _log.info("infer", extra=facts)
    return response


async def _answer(server: Server, request: Request, started: float, facts: dict[str, object]) -> Response:
    if not server.ready:
        raise ServiceError("not_ready", "The model is being loaded; try again.", headers={"Retry-After": "1"})
    contract = find_contract(request)
    remaining = _remaining_seconds(request)
    deadline = None if remaining is None else started + remaining
    with server.budget.reserve() as reservation:
        header_length = _header_length(request)
        limit = server.config.max_json_bytes if header_length is None else server.config.max_body_bytes
        body = await read_body(request, limit, server.config, reservation)
        if not body:
            raise ServiceError("empty_body", "The body is empty; send an infer request.")
        call, sources = await asyncio.to_thread(_decode, server, contract, body, header_length)
        facts["images"] = len(sources)
        jobs = _submit(server, sources, deadline)
        try:
            documents = await _results(request, jobs, deadline)
        finally:
            server.scheduler.abandon(jobs)
    for document, job in zip(documents, jobs, strict=True):
        server.metrics.document(document, job.queue_seconds)
    facts["pages"] = sum(len(document.pages) for document in documents)
    message = await asyncio.to_thread(encode_response, contract.response(call, documents))
    timing = {"Server-Timing": _server_timing(documents, jobs)}
    return Response(message.body, headers=message.headers | timing)


def find_contract(request: Request) -> Contract:
    """The model that the path names.

    Raises:
        ServiceError: model_not_found.
    """
    name, version = request.path_params["model"], request.path_params.get("version", VERSION)
    if name not in CONTRACTS or version != VERSION:
        known = ", ".join(f"{known} (version {VERSION})" for known in CONTRACTS)
        raise ServiceError("model_not_found", f"there is no such model; there are {known}")
    return CONTRACTS[name]


def _header_length(request: Request) -> int | None:
    value = request.headers.get(HEADER_LENGTH)
    if value is None:
        return None
    if not (value.isascii() and value.isdigit()):
        raise ServiceError("invalid_request", f"{HEADER_LENGTH} has to be a whole number of bytes")
    return int(value)


def _remaining_seconds(request: Request) -> float | None:
    value = request.headers.get(DEADLINE)
    if value is None:
        return None
    try:
        milliseconds = float(value)
    except ValueError:
        milliseconds = math.nan
    if not math.isfinite(milliseconds):
        raise ServiceError("invalid_request", f"{DEADLINE} has to be a number of milliseconds")
    if milliseconds <= 0:
        raise ServiceError("deadline_exceeded", "The deadline was over before the request came.")
    return milliseconds / 1000


def _decode(
    server: Server, contract: Contract, body: bytearray, header_length: int | None
) -> tuple[InferRequest, list[Source]]:
    try:
        call = decode_request(body, header_length)
    except OipError as error:
        raise as_service_error(error) from error
    return call, contract.sources(call, server.config.limits)


def _submit(server: Server, sources: list[Source], deadline: float | None) -> list[Job[Document]]:
    try:
        return server.scheduler.submit([partial(server.reader.read, source) for source in sources], deadline)
    except QueueFullError as error:
        raise ServiceError(
            "queue_full",
            f"{error}; try again in {error.retry_after} s",
            limit=error.capacity,
            headers={"Retry-After": str(error.retry_after)},
        ) from None


async def _results(request: Request, jobs: list[Job[Document]], deadline: float | None) -> list[Document]:
    """Wait for all jobs, for the client to go, or for the deadline, whichever comes first."""
    reading = asyncio.gather(*(asyncio.wrap_future(job.future) for job in jobs))
    gone = asyncio.create_task(until_disconnect(request))
    waiting: set[asyncio.Future[Any]] = {reading, gone}
    timeout = None if deadline is None else max(0.0, deadline - time.monotonic())
    try:
        done, _ = await asyncio.wait(waiting, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        if reading in done:
            return await reading
    except ImageProblem as problem:
        raise as_service_error(problem) from problem
    except DeadlineError:
        done = set()
    finally:
        reading.cancel()
        gone.cancel()
    if gone in done:
        raise AbandonedError
    raise ServiceError("deadline_exceeded", f"The time given in {DEADLINE} is over; the work was stopped.")


def _server_timing(documents: list[Document], jobs: list[Job[Document]]) -> str:
    total = Counter({"queue": max(job.queue_seconds for job in jobs) * 1000})
    for document in documents:
        for page in document.pages:
            total.update(page.timings_ms)
    stages = ("queue", "decode", "det", "cls", "rec", "post")
    return ", ".join(f"{stage};dur={total[stage]:.1f}" for stage in stages)
