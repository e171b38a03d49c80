"""POST /v1/ocr: a document in, its text out."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ocr_gateway.documents import body, source
from ocr_gateway.formats import negotiate
from ocr_gateway.formats.answer import Answer, answer
from ocr_gateway.formats.negotiate import Format
from ocr_gateway.formats.view import View
from ocr_gateway.options import OPTION_NAMES, parse
from ocr_gateway.problems import Problem
from ocr_gateway.recognise import Job, Timings
from ocr_gateway.services import Services, exchange_of, services_of, while_connected

SHAPE = source.Shape(file_field="file", options=OPTION_NAMES)


async def ocr(request: Request) -> Response:
    """Recognise one document; see docs of the formats for the answers, `problems.CODES` for the errors."""
    services = services_of(request)
    deadline = services.deadline()
    query = source.query_options(request, SHAPE)
    accept = request.headers.get("accept")
    negotiate.choose(parse(query).output, accept)  # what is wrong is told before the body is read
    with services.admission.admit() as lease:
        pieces = body.chunks(request, services.body_limits, lease, deadline)
        request_id, timings = exchange_of(request).request_id, Timings()
        with timings.measure("read"):
            document = await _document(request, pieces)
        options = parse(_merged(query, document.options))
        job = Job(request_id, deadline, options, timings)
        form = negotiate.choose(options.output, accept)
        made = await while_connected(request, _made(services, document.data, form, job))
    headers = {"Server-Timing": job.timings.header, "Vary": "Accept"}
    return made.response(headers)


async def _made(services: Services, document: bytes, form: Format, job: Job) -> Answer:
    result = await services.recogniser.recognise(document, job)
    async with job.deadline.enforced():
        return await answer(form, result, View(job.request_id, job.options, document), services.children)


async def _document(request: Request, pieces: body.Pieces) -> source.Source:
    """The media type only says how the document is wrapped; what it is, its bytes say."""
    match source.media_type(request):
        case "multipart/form-data":
            return await source.from_form(request, pieces, SHAPE)
        case "application/json":
            return await source.from_json(await body.joined(pieces), SHAPE)
        case _:
            return source.Source(await body.joined(pieces), {})


def _merged(query: source.Given, inner: source.Given) -> source.Given:
    for name in query.keys() & inner.keys():
        raise Problem("invalid_parameter", f"{name!r} is in the query and in the body; give it once.")
    return {**query, **inner}


ROUTES: tuple[BaseRoute, ...] = (Route("/v1/ocr", ocr, methods=["POST"]),)
