"""What the routes that read a document share: the request's body, its options and the wanted format."""

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import Request

from ocr_gateway.deadline import Deadline
from ocr_gateway.documents import body, source
from ocr_gateway.documents.admission import Lease
from ocr_gateway.formats import negotiate
from ocr_gateway.formats.negotiate import Format
from ocr_gateway.options import OPTION_NAMES, Options, parse
from ocr_gateway.problems import Problem
from ocr_gateway.services import services_of

SHAPE = source.Shape(file_field="file", options=OPTION_NAMES)


@dataclass(frozen=True)
class Asked:
    """A document, what is asked of it, and how the answer is to look."""

    data: bytes
    options: Options
    form: Format


async def asked(request: Request, lease: Lease, deadline: Deadline, accept: str | None) -> Asked:
    """Read a request; what is wrong with its query or its headers is told before its body is read.

    `accept` is the Accept header, or None where it does not speak of the document.

    Raises:
        Problem: of the query, the body, the options or the format.
        ClientGone: the connection was closed.
    """
    query = source.query_options(request, SHAPE)
    negotiate.choose(parse(query).output, accept)
    document = await _document(
        request, body.chunks(request, services_of(request).body_limits, lease, deadline)
    )
    options = parse(merged(query, document.options))
    return Asked(document.data, options, negotiate.choose(options.output, accept))


def merged(query: source.Given, inner: source.Given) -> Mapping[str, object]:
    """The options of the query and of the body; raises Problem for one that is in both."""
    for name in query.keys() & inner.keys():
        raise Problem("invalid_parameter", f"{name!r} is in the query and in the body; give it once.")
    return {**query, **inner}


async def _document(request: Request, pieces: body.Pieces) -> source.Source:
    """The media type only says how the document is wrapped; what it is, its bytes say."""
    match source.media_type(request):
        case "multipart/form-data":
            return await source.from_form(request, pieces, SHAPE)
        case "application/json":
            return await source.from_json(await body.joined(pieces))
        case _:
            return source.Source(await body.joined(pieces), {})
