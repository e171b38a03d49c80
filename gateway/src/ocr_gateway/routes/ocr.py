"""POST /v1/ocr: a document in, its text out."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ocr_gateway.documents import body, source
from ocr_gateway.formats import json as json_format
from ocr_gateway.formats import negotiate
from ocr_gateway.formats import text as text_format
from ocr_gateway.problems import Problem
from ocr_gateway.recognise import Job, Recognised
from ocr_gateway.services import exchange_of, services_of, while_connected

SHAPE = source.Shape(file_field="file", options=frozenset({"output"}))


async def ocr(request: Request) -> Response:
    """Recognise one document; see docs of the formats for the answers, `problems.CODES` for the errors."""
    services = services_of(request)
    deadline = services.deadline()
    query = source.query_options(request, SHAPE)
    accept = request.headers.get("accept")
    negotiate.choose(query.get("output"), accept)  # a wrong one is told before the body is read
    with services.admission.admit() as lease:
        pieces = body.chunks(request, services.body_limits, lease, deadline)
        job = Job(exchange_of(request).request_id, deadline)
        with job.timings.measure("read"):
            document = await _document(request, pieces)
        output = negotiate.choose(_merged(query, document.options).get("output"), accept)
        result = await while_connected(request, services.recogniser.recognise(document.data, job))
    return _rendered(result, output, job)


async def _document(request: Request, pieces: body.Pieces) -> source.Source:
    """The media type only says how the document is wrapped; what it is, its bytes say."""
    match source.media_type(request):
        case "multipart/form-data":
            return await source.from_form(request, pieces, SHAPE)
        case "application/json":
            return await source.from_json(await body.joined(pieces))
        case _:
            return source.Source(await body.joined(pieces), {})


def _merged(query: source.Options, inner: source.Options) -> source.Options:
    for name in query.keys() & inner.keys():
        raise Problem("invalid_parameter", f"{name!r} is in the query and in the body; give it once.")
    return {**query, **inner}


def _rendered(result: Recognised, output: str, job: Job) -> Response:
    if output == "text":
        content = text_format.render(result)
    else:
        content = json_format.render(result, request_id=job.request_id)
    headers = {"Server-Timing": job.timings.header, "Vary": "Accept"}
    return Response(content, headers=headers, media_type=negotiate.FORMATS[output])


ROUTES: tuple[BaseRoute, ...] = (Route("/v1/ocr", ocr, methods=["POST"]),)
