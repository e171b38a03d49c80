"""One infer request from its body to its response."""

import asyncio
import logging
import math
import re
import time
import uuid
from collections import Counter
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from ocr_modelserver.body import Reservation, read_body, until_disconnect
from ocr_modelserver.contract import CONTRACTS, VERSION, Contract, place_of
from ocr_modelserver.decode import Sheet
from ocr_modelserver.errors import ServiceError, as_service_error
from ocr_modelserver.scheduling.job import AbandonedError, DeadlineError, Job, Task
from ocr_modelserver.scheduling.scheduler import QueueFullError
from ocr_modelserver.server import Server
from ocr_modelserver.spans import stages
from ocr_wire.logs import CONTEXT
from ocr_wire.oip import HEADER_LENGTH, InferRequest, OipError, decode_request, encode_response
from ocr_wire.raster import ImageProblem
from ocr_wire.result import Document, Page
from ocr_wire.trace import HEADER
from ocr_wire.tracing import Span

REQUEST_ID = "X-Request-Id"
DEADLINE = "X-Request-Deadline-Ms"

_log = logging.getLogger(__name__)
_SAFE_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_OUTCOMES = {"queue_full": "rejected", "not_ready": "rejected", "deadline_exceeded": "deadline"}
_SERVER_ERROR = 500
_JSON_FACTOR = 4  # what a body takes while it is parsed: itself, as text, decoded


@dataclass(frozen=True, slots=True)
class _Exchange:
    """One request and what is known of it: when it came (monotonic), its span, and facts for the log."""

    id: str
    started: float
    span: Span
    facts: dict[str, object]


async def infer(request: Request) -> Response:
    """POST /v2/models/{model}/infer: answer, count and log."""
    server: Server = request.app.state.server
    request_id = request.headers.get(REQUEST_ID, "")
    if not _SAFE_ID.fullmatch(request_id):
        request_id = uuid.uuid4().hex
    route = request.scope["route"].path
    with server.tracer.span(f"POST {route}", "server", request.headers.get(HEADER, "")) as span:
        CONTEXT.set({"request_id": request_id, "trace_id": span.context.trace_id})
        exchange = _Exchange(request_id, time.monotonic(), span, {})
        response, outcome = await _respond(server, request, exchange)
        span.attributes |= {
            "http.request.method": "POST",
            "http.route": route,
            "http.response.status_code": response.status_code,
            "ocr.model.name": server.reader.model.name,
        }
        if response.status_code >= _SERVER_ERROR:
            span.attributes["error.type"] = str(response.status_code)
    server.metrics.request(outcome)
    response.headers[REQUEST_ID] = request_id
    milliseconds = round((time.monotonic() - exchange.started) * 1000, 1)
    facts = exchange.facts | {
        "status": response.status_code,
        "outcome": outcome,
        "duration_ms": milliseconds,
    }
    if server.access_log.takes(well=outcome == "ok"):
        _log.info("infer", extra=facts)
    return response


async def _respond(server: Server, request: Request, exchange: _Exchange) -> tuple[Response, str]:
    """The response, whatever happens, and the outcome that is counted."""
    try:
        return await _answer(server, request, exchange), "ok"
    except ServiceError as error:
        server.metrics.rejected(error.code)
        exchange.facts["code"] = error.code
        fault = "client_error" if error.status < _SERVER_ERROR else "server_error"
        return error.response(), _OUTCOMES.get(error.code, fault)
    except (ClientDisconnect, AbandonedError):
        # Nobody reads it: nginx's number for a client that has gone.
        return Response(status_code=499), "cancelled"
    except Exception:  # noqa: BLE001 - the last resort; _log.exception keeps the traceback
        _log.exception("infer failed")
        internal = ServiceError("internal", f"internal error; its log line has the id {exchange.id}")
        return internal.response(), "server_error"


async def _answer(server: Server, request: Request, exchange: _Exchange) -> Response:
    if not server.ready:
        raise ServiceError("not_ready", "The model is being loaded; try again.", headers={"Retry-After": "1"})
    contract = find_contract(request)
    remaining = _remaining_seconds(request)
    deadline = None if remaining is None else exchange.started + remaining
    with server.budget.reserve() as reservation:
        call, images = await _read(server, contract, request, reservation)
        exchange.facts["images"] = len(images)
        jobs = _submit(server, exchange.id, [sheet for image in images for sheet in image], deadline)
        try:
            with server.metrics.step("predict", contract.name):
                pages = await _results(request, jobs, _places(images), deadline)
        finally:
            server.scheduler.abandon(jobs)
    exemplar = server.tracer.exemplar(exchange.span.context)
    for page, job in zip(pages, jobs, strict=True):
        server.metrics.page(page, job.queue_seconds, exemplar)
    exchange.span.parts.extend(stages(pages, jobs))
    exchange.facts["pages"] = len(pages)
    with server.metrics.step("postprocess", contract.name):
        documents = _documents(server, images, pages)
        message = await asyncio.to_thread(encode_response, contract.response(call, documents))
    timing = {"Server-Timing": _server_timing(pages, jobs)}
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


async def _read(
    server: Server, contract: Contract, request: Request, reservation: Reservation
) -> tuple[InferRequest, list[list[Sheet]]]:
    """The request and the pages of its images; the reservation is for what they keep in memory."""
    header_length, config = _header_length(request), server.config
    limit = config.max_json_bytes if header_length is None else config.max_body_bytes
    factor = _JSON_FACTOR if header_length is None else 1
    body = await read_body(request, limit, config, lambda size: reservation.grow(factor * size))
    if not body:
        raise ServiceError("empty_body", "The body is empty; send an infer request.")
    with server.metrics.step("preprocess", contract.name):
        call, images = await asyncio.to_thread(_decode, server, contract, body, header_length)
    reservation.shrink(sum(image[0].source_bytes for image in images))
    return call, images


def _decode(
    server: Server, contract: Contract, body: bytearray, header_length: int | None
) -> tuple[InferRequest, list[list[Sheet]]]:
    try:
        call = decode_request(body, header_length)
    except OipError as error:
        raise as_service_error(error) from error
    return call, contract.images(call, server.config.limits)


def _submit(server: Server, request_id: str, sheets: list[Sheet], deadline: float | None) -> list[Job[Page]]:
    tasks = [Task(partial(server.reader.read_page, sheet), sheet.size, sheet.pixels) for sheet in sheets]
    try:
        return server.scheduler.submit(request_id, tasks, deadline)
    except QueueFullError as error:
        retry = {"Retry-After": str(error.retry_after)}
        raise ServiceError("queue_full", f"{error}.", headers=retry) from None


def _places(images: list[list[Sheet]]) -> list[str]:
    """For each page, how a refusal names its image."""
    return [place_of(number, len(images)) for number, image in enumerate(images, 1) for _ in image]


async def _results(
    request: Request, jobs: list[Job[Page]], places: list[str], deadline: float | None
) -> list[Page]:
    """Wait for all jobs, for the client to go, or for the deadline, whichever comes first."""
    reading = asyncio.gather(*map(_page, jobs, places))
    gone = asyncio.create_task(until_disconnect(request))
    waiting: set[asyncio.Future[Any]] = {reading, gone}
    timeout = None if deadline is None else max(0.0, deadline - time.monotonic())
    try:
        done, _ = await asyncio.wait(waiting, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        if reading in done:
            return await reading
    except DeadlineError:
        done = set()
    finally:
        reading.cancel()
        gone.cancel()
    if gone in done:
        raise AbandonedError
    raise ServiceError("deadline_exceeded", f"The time given in {DEADLINE} is over; the work was stopped.")


async def _page(job: Job[Page], place: str) -> Page:
    try:
        return await asyncio.wrap_future(job.future)
    except ImageProblem as problem:
        raise as_service_error(problem, place) from problem


def _documents(server: Server, images: list[list[Sheet]], pages: list[Page]) -> list[Document]:
    rest = iter(pages)
    return [Document(model=server.reader.model, pages=tuple(islice(rest, len(image)))) for image in images]


def _server_timing(pages: list[Page], jobs: list[Job[Page]]) -> str:
    total = Counter({"queue": max(job.queue_seconds for job in jobs) * 1000})
    for page in pages:
        total.update(page.timings_ms)
    stages = ("queue", "decode", "det", "cls", "rec", "post")
    return ", ".join(f"{stage};dur={total[stage]:.1f}" for stage in stages)
