"""POST /v1/ocr: a document in, its text out, at once or page by page."""

import asyncio
from contextlib import ExitStack
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response

from ocr_gateway.formats.negotiate import FORMATS
from ocr_gateway.formats.view import View
from ocr_gateway.recognise import Job, Timings
from ocr_gateway.routes import described, jobs
from ocr_gateway.routes.operation import FORM, JSON, READING, Header, Operation, Reply
from ocr_gateway.routes.reading import asked
from ocr_gateway.routes.stream import Stream
from ocr_gateway.services import exchange_of, services_of, while_connected


async def ocr(request: Request) -> Response:
    """Recognise one document."""
    services = services_of(request)
    deadline = services.deadline()
    with ExitStack() as held:
        lease = held.enter_context(services.admission.admit())
        request_id, timings = exchange_of(request).request_id, Timings()
        with timings.measure("read"):
            wanted = await asked(request, lease, deadline, request.headers.get("accept"))
        if jobs.wants_job(request):
            accepted = await jobs.accept(request, wanted)
            accepted.headers["Preference-Applied"] = "respond-async"
            return accepted
        job = Job(request_id, deadline, wanted.options, timings)
        view = View(request_id, wanted.options, wanted.data)
        if wanted.form is FORMATS["ndjson"]:
            return Stream(request, services.recogniser, job, view, held.pop_all())
        result = await while_connected(request, services.recogniser.recognise(wanted.data, job))
        content = await asyncio.to_thread(wanted.form.render, result, view)
    headers = {"Server-Timing": job.timings.header, "Vary": "Accept"}
    return Response(content, headers=headers, media_type=wanted.form.media_type)


OPERATION = Operation(
    "POST",
    "/v1/ocr",
    ocr,
    "Read a document. As `application/x-ndjson` its pages come as soon as they are read.",
    answers={
        200: Reply(
            "The document in the format asked for.",
            described.FORMATS,
            (Header("Server-Timing", "Milliseconds by stage."),),
        )
    },
    problems=READING | FORM | JSON | {"not_acceptable"},
    bodies=described.DOCUMENT,
    query=described.ReadOptions,
    curl="-H 'Accept: text/plain' --data-binary @examples/sample.png",
)
PREFER = Header("Prefer", "`respond-async`: a job, as POST /v1/jobs makes (RFC 7240).")


def operations(*, with_jobs: bool) -> tuple[Operation, ...]:
    """The operation, which can give a job where jobs are kept."""
    if not with_jobs:
        return (OPERATION,)
    return (
        replace(
            OPERATION,
            answers={**OPERATION.answers, **jobs.ACCEPTED},
            problems=OPERATION.problems | jobs.CREATED,
            headers=(PREFER, jobs.IDEMPOTENCY),
        ),
    )
