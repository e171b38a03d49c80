"""POST /v1/batch: several documents in, a result or a problem for each in the same order out."""

import asyncio
import json
from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from ocr_gateway.documents import body, source
from ocr_gateway.documents.multipart import MAX_PARTS
from ocr_gateway.documents.source import MAX_DOCUMENTS
from ocr_gateway.formats import json as json_format
from ocr_gateway.formats.pieces import together
from ocr_gateway.formats.view import View
from ocr_gateway.options import parse
from ocr_gateway.problems import Problem
from ocr_gateway.recognise import Job, Recogniser
from ocr_gateway.routes import described
from ocr_gateway.routes.answers import BatchAnswer
from ocr_gateway.routes.operation import FORM, JSON, READING, Operation, Reply
from ocr_gateway.routes.reading import SHAPE, merged
from ocr_gateway.services import exchange_of, services_of, while_connected

DOCUMENTS_AT_ONCE = 4


async def batch(request: Request) -> Response:
    """Recognise several documents; what is wrong with one of them is said in its place."""
    services = services_of(request)
    deadline = services.deadline()
    query = source.query_options(request, SHAPE)
    parse(query)
    with services.admission.admit() as lease:
        pieces = body.chunks(request, services.body_limits, lease, deadline)
        documents, inner = await _documents(request, pieces)
        options = parse(merged(query, inner))
        if options.output not in {None, "json"}:
            raise Problem(
                "invalid_parameter", f"output={options.output[:64]!r}: a batch is answered as json."
            )
        views = [View(exchange_of(request).request_id, options, document) for document in documents]
        jobs = [Job(view.request_id, deadline, options, patient=True) for view in views]
        work = _read_all(services.recogniser, list(zip(jobs, views, strict=True)))
        slots = await while_connected(request, work)
    head = json.dumps({"id": exchange_of(request).request_id}).encode().removesuffix(b"}")
    return Response(head + b', "results": [' + b",".join(slots) + b"]}", media_type="application/json")


async def _documents(request: Request, pieces: body.Pieces) -> tuple[list[bytes], source.Given]:
    match source.media_type(request):
        case "multipart/form-data":
            parts = MAX_DOCUMENTS + MAX_PARTS
            documents, options = await source.several_from_form(request, pieces, SHAPE, max_parts=parts)
        case "application/json":
            documents, options = await source.several_from_json(await body.joined(pieces))
        case _:
            raise Problem(
                "unsupported_media_type",
                "A batch is multipart/form-data with several fields 'file', or application/json with "
                "'documents'; a single document goes to POST /v1/ocr.",
            )
    if len(documents) > MAX_DOCUMENTS:
        raise Problem(
            "invalid_parameter",
            f"The batch has {len(documents)} documents and at most {MAX_DOCUMENTS} are read; send the rest "
            "in another one.",
            limit=MAX_DOCUMENTS,
            actual=len(documents),
        )
    return documents, options


async def _read_all(recogniser: Recogniser, slots: Sequence[tuple[Job, View]]) -> list[bytes]:
    free = asyncio.Semaphore(DOCUMENTS_AT_ONCE)

    async def read(job: Job, view: View) -> bytes:
        async with free:
            try:
                result = await recogniser.recognise(view.document, job)
            except Problem as problem:
                return json.dumps({"error": problem.document(job.request_id)}, ensure_ascii=False).encode()
            document = await asyncio.to_thread(together, json_format.render(result, view))
            return b'{"document": ' + document + b"}"

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(read(job, view)) for job, view in slots]
    return [task.result() for task in tasks]


OPERATIONS = (
    Operation(
        "POST",
        "/v1/batch",
        batch,
        f"Read up to {MAX_DOCUMENTS} documents of one body, with the same options.",
        answers={
            200: Reply("A document or a problem for each, in order.", {"application/json": BatchAnswer})
        },
        problems=READING | FORM | JSON,
        bodies=described.BATCH,
        query=described.BatchOptions,
        curl="-F file=@examples/sample.png -F file=@examples/sample.png -F min_confidence=0.5",
    ),
)
