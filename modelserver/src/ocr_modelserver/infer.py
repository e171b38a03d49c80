"""One infer request from its body to its response."""

import asyncio
import logging
import math
import re
import time
import uuid
from collections import Counter
from functools import partial
from itertools import islice
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from ocr_modelserver.body import Reservation, read_body, until_disconnect
from ocr_modelserver.contract import CONTRACTS, VERSION, Contract
from ocr_modelserver.decode import Sheet
from ocr_modelserver.errors import ServiceError, as_service_error
from ocr_modelserver.scheduling.job import AbandonedError, DeadlineError, Job, Task
from ocr_modelserver.scheduling.scheduler import QueueFullError
from ocr_modelserver.server import Server
from ocr_wire.oip import HEADER_LENGTH, InferRequest, OipError, decode_request, encode_response
from ocr_wire.raster import ImageProblem
from ocr_wire.result import Document, Page

REQUEST_ID = "X-Request-Id"
DEADLINE = "X-Request-Deadline-Ms"

_log = logging.getLogger(__name__)
_SAFE_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_OUTCOMES = {"queue_full": "rejected", "not_ready": "rejected", "deadline_exceeded": "deadline"}
_SERVER_ERROR = 500
_JSON_FACTOR = 4  # what a body takes while it is parsed: itself, as text, decoded


async def infer(request: Request) -> Response:
    """POST /v2/models/{model}/infer: answer, count and log."""
    server: Server = request.app.state.server
    request_id = request.headers.get(REQUEST_ID, "")
    if not _SAFE_ID.fullmatch(request_id):
        request_id = uuid.uuid4().hex
    started = time.monotonic()
    facts: dict[str, object] = {}
    try:
        response = await _answer(server, request, request_id, started, facts)
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


async def _answer(
    server: Server, request: Request, request_id: str, started: float, facts: dict[str, object]
) -> Response:
    if not server.ready:
        raise ServiceError("not_ready", "The model is being loaded; try again.", headers={"Retry-After": "1"})
    contract = find_contract(request)
    remaining = _remaining_seconds(request)
    deadline = None if remaining is None else started + remaining
    with server.budget.reserve() as reservation:
        call, images = await _read(server, contract, request, reservation)
        facts["images"] = len(images)
        jobs = _submit(server, request_id, [sheet for image in images for sheet in image], deadline)
        try:
            pages = await _results(request, jobs, deadline)
        finally:
            server.scheduler.abandon(jobs)
    for page, job in zip(pages, jobs, strict=True):
        server.metrics.page(page, job.queue_seconds)
    facts["pages"] = len(pages)
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


async def _results(request: Request, jobs: list[Job[Page]], deadline: float | None) -> list[Page]:
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


def _documents(server: Server, images: list[list[Sheet]], pages: list[Page]) -> list[Document]:
    rest = iter(pages)
    return [Document(model=server.reader.model, pages=tuple(islice(rest, len(image)))) for image in images]


def _server_timing(pages: list[Page], jobs: list[Job[Page]]) -> str:
    total = Counter({"queue": max(job.queue_seconds for job in jobs) * 1000})
    for page in pages:
        total.update(page.timings_ms)
    stages = ("queue", "decode", "det", "cls", "rec", "post")
    return ", ".join(f"{stage};dur={total[stage]:.1f}" for stage in stages)
