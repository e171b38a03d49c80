"""/v1/jobs: documents that are read later, and their results."""

import asyncio
import hashlib
import re
import time
from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from ocr_gateway.documents import source
from ocr_gateway.formats import negotiate
from ocr_gateway.formats.answer import answer
from ocr_gateway.formats.view import View
from ocr_gateway.jobs.record import ID, Record, new_id, unpack
from ocr_gateway.jobs.store import JobStore, Once
from ocr_gateway.options import checked
from ocr_gateway.problems import Problem
from ocr_gateway.routes import described
from ocr_gateway.routes.answers import JobAnswer, Progress
from ocr_gateway.routes.operation import (
    FORM,
    JSON,
    PAGES,
    PARAMETERS,
    READING,
    UPSTREAM,
    Header,
    Operation,
    Reply,
)
from ocr_gateway.routes.reading import Asked, asked
from ocr_gateway.services import client_of, exchange_of, services_of, while_connected

POLL_SECONDS = 0.2
MAX_WAIT_SECONDS = 60
RETRY_AFTER = {"Retry-After": "1"}
KEY = re.compile(r"[\x21-\x7e]{1,128}")


class Wait(BaseModel):
    """How a job is asked for."""

    model_config = ConfigDict(frozen=True)

    wait: float = Field(
        0, ge=0, le=MAX_WAIT_SECONDS, description="Seconds to wait for the job's end before answering."
    )


async def create(request: Request) -> Response:
    """Accept a document to be read later."""
    services = services_of(request)
    with services.admission.admit() as lease:
        wanted = await asked(request, lease, services.deadline(), None)
        return await accept(request, wanted)


async def accept(request: Request, wanted: Asked) -> Response:
    """Make a job of a request that has been read, or find the one that its Idempotency-Key stands for."""
    settings = services_of(request).config.jobs
    now = time.time()
    record = Record(
        id=new_id(),
        owner=client_of(request),
        request_id=exchange_of(request).request_id,
        options=wanted.options,
        created=now,
        expires=now + settings.job_timeout_seconds + settings.job_ttl_seconds,
    )
    if not wanted.data:
        raise Problem("empty_body", "The body is empty; send the document in it.")
    accepted = await _store(request).add(record, wanted.data, await _once(request, wanted))
    headers = {"Location": f"/v1/jobs/{accepted.id}", **RETRY_AFTER}
    return _shown(accepted, 202, headers)


async def status(request: Request) -> Response:
    """How a job stands, at once or as soon as it has ended."""
    wait = checked(Wait, source.query_options(request, source.Shape("", frozenset(Wait.model_fields)))).wait
    record = await while_connected(request, _awaited(request, wait))
    return _shown(record, 200, {} if record.ended else RETRY_AFTER)


async def result(request: Request) -> Response:
    """What a job has read, in any format and any number of times; a failed job's problem."""
    query = checked(
        described.ResultOptions, source.query_options(request, source.Shape("", frozenset({"output"})))
    )
    record = await _found(request)
    if not record.ended:
        text = f"The job is {record.status}; ask for /v1/jobs/{record.id}?wait=20 first."
        raise Problem("job_not_finished", text, retry_after=1)
    if record.problem:
        raise record.problem
    output, accepted = getattr(query, "output", None), request.headers.get("accept", "*/*")
    if output is None and accepted.strip() == "*/*":
        output = record.options.output
    form = negotiate.choose(output, accepted)
    store = _store(request)
    kept, document = await store.result(record.id), await store.document(record.id)
    if kept is None or document is None:
        raise _expired(record)
    view = View(record.request_id, record.options, document)
    read = await asyncio.to_thread(unpack, kept)
    async with services_of(request).deadline().enforced():
        made = await answer(form, read, view, services_of(request).children)
    return made.response({"Vary": "Accept"})


async def cancel(request: Request) -> Response:
    """End a job and forget its document and its result."""
    record = await _known(request)
    await _store(request).cancel(record)
    return Response(status_code=204)


def wants_job(request: Request) -> bool:
    """Whether the client prefers a job (RFC 7240) where there can be one; raises Problem for a wrong key."""
    if services_of(request).jobs is None:
        return False
    _key(request)
    preferences = request.headers.get("prefer", "").lower().split(",")
    return "respond-async" in map(str.strip, preferences)


def _store(request: Request) -> JobStore:
    store = services_of(request).jobs
    assert store is not None  # noqa: S101 - these routes are only there with a store
    return store


def _key(request: Request) -> str | None:
    key = request.headers.get("idempotency-key")
    if key is not None and not KEY.fullmatch(key):
        raise Problem("invalid_parameter", "Idempotency-Key has to be 1 to 128 visible characters of ASCII.")
    return key


async def _once(request: Request, wanted: Asked) -> Once | None:
    key = _key(request)
    if key is None:
        return None
    options = wanted.options.model_dump_json().encode()
    digest = await asyncio.to_thread(lambda: hashlib.sha256(options + b"\0" + wanted.data).hexdigest())
    return Once(client_of(request), key, digest)


async def _awaited(request: Request, seconds: float) -> Record:
    """The job at its end, or as it is after so many seconds."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    record = await _found(request)
    while not record.ended and loop.time() < until:
        await asyncio.sleep(POLL_SECONDS)
        record = await _found(request)
    return record


async def _found(request: Request) -> Record:
    """The job of the path, if it is the client's and neither cancelled nor expired."""
    record = await _known(request)
    if record.status == "cancelled":
        raise Problem("job_cancelled", "The job was cancelled; its document and its result are gone.")
    if record.expires < time.time():
        raise _expired(record)
    return record


async def _known(request: Request) -> Record:
    job_id = request.path_params["job_id"]
    record = await _store(request).get(job_id) if re.fullmatch(ID, job_id) else None
    if record is None or record.owner != client_of(request):
        raise Problem("job_not_found", f"There is no job {job_id[:64]!r}; POST /v1/jobs makes one.")
    return record


def _expired(record: Record) -> Problem:
    return Problem("result_expired", f"The job's result was kept until {_moment(record.expires)}.")


def _shown(record: Record, status_code: int, headers: dict[str, str]) -> Response:
    answer = JobAnswer(
        id=record.id,
        status=record.status,
        progress=Progress(pages_done=record.pages_done, pages_total=record.pages_total),
        created=_moment(record.created),
        started=record.started and _moment(record.started),
        finished=record.finished and _moment(record.finished),
        expires=_moment(record.expires),
        error=record.problem and record.problem.document(record.request_id),
    )
    content = answer.model_dump_json()
    return Response(content, status_code, headers=headers, media_type="application/json")


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


LOCATION = Header("Location", "Where the job can be asked for.")
JOB_STATUS = {"application/json": JobAnswer}
ACCEPTED = {202: Reply("The job that will read the document.", JOB_STATUS, (LOCATION,))}
IDEMPOTENCY = Header(
    "Idempotency-Key",
    "The same key with the same request is the same job, as long as that is kept.",
    {"type": "string", "pattern": "^[!-~]{1,128}$"},
)
STORE = frozenset({"job_store_unavailable"})
FOUND = STORE | {"job_not_found", "job_cancelled", "result_expired"}
CREATED = STORE | {"jobs_full", "idempotency_key_reused"}
# What a job may fail of is its result's problem.
FAILURES = PAGES | UPSTREAM | {"unsupported_media_type", "output_failed"}
JOB_ID = {"job_id": {"type": "string", "pattern": f"^{ID}$"}}

OPERATIONS = (
    Operation(
        "POST",
        "/v1/jobs",
        create,
        "Have a document read later; takes what POST /v1/ocr takes.",
        answers=ACCEPTED,
        problems=(READING | FORM | JSON | CREATED) - {"deadline_exceeded"},
        bodies=described.DOCUMENT,
        query=described.ReadOptions,
        headers=(IDEMPOTENCY,),
        curl="-i -H 'Idempotency-Key: invoice-173' --data-binary @examples/sample.png",
    ),
    Operation(
        "GET",
        "/v1/jobs/{job_id}",
        status,
        "How a job stands.",
        answers={200: Reply("Its status and progress.", JOB_STATUS)},
        problems=FOUND | PARAMETERS,
        query=Wait,
        curl="-G -d wait=20",
        path_schema=JOB_ID,
    ),
    Operation(
        "GET",
        "/v1/jobs/{job_id}/result",
        result,
        "What a job has read, in any format and any number of times until it expires.",
        answers={200: Reply("The document in the format asked for.", described.FORMATS)},
        problems=FOUND | PARAMETERS | FAILURES | {"job_not_finished", "not_acceptable"},
        query=described.ResultOptions,
        curl="-H 'Accept: text/plain'",
        path_schema=JOB_ID,
    ),
    Operation(
        "DELETE",
        "/v1/jobs/{job_id}",
        cancel,
        "Cancel a job, and forget its document and its result.",
        answers={204: Reply("It is cancelled.")},
        problems=STORE | {"job_not_found"},
        curl="-X DELETE",
        path_schema=JOB_ID,
    ),
)
