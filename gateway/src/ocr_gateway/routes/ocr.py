"""POST /v1/ocr: a document in, its text out, at once or page by page."""

from contextlib import ExitStack
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response

from ocr_gateway.formats.answer import Answer, answer
from ocr_gateway.formats.negotiate import FORMATS
from ocr_gateway.formats.view import View
from ocr_gateway.recognise import Job, Timings
from ocr_gateway.routes import described, jobs
from ocr_gateway.routes.operation import FORM, JSON, READING, Header, Operation, Reply
from ocr_gateway.routes.reading import Asked, asked
from ocr_gateway.routes.stream import Stream
from ocr_gateway.services import Services, exchange_of, services_of, while_connected


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
        made = await while_connected(request, _made(services, wanted, view, job))
    return made.response({"Server-Timing": job.timings.header, "Vary": "Accept"})


async def _made(services: Services, wanted: Asked, view: View, job: Job) -> Answer:
    result = await services.recogniser.recognise(wanted.data, job)
    async with job.deadline.enforced():
        return await answer(wanted.form, result, view, services.children)


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
    problems=READING | FORM | JSON | {"not_acceptable", "output_failed"},
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
