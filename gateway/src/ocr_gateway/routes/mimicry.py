"""/compat/*: the calls of other OCR servers, so that their clients change nothing but the URL.

What a client asks for and cannot have here is refused, never ignored. A document of which a page could not
be read is that page's problem: these answers have no place for one.
"""

import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from functools import partial
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from ocr_gateway.documents import body, source
from ocr_gateway.options import Options, checked
from ocr_gateway.problems import Problem
from ocr_gateway.recognise import Job
from ocr_gateway.result import Recognised
from ocr_gateway.routes.about import models_of
from ocr_gateway.routes.described import form
from ocr_gateway.routes.operation import BYTES, FORM, JSON, READING, Operation, Reply
from ocr_gateway.services import exchange_of, services_of, while_connected
from ocr_wire.result import Line, Page

Asked = tuple[bytes, Options]
# Tesseract's names of languages (ISO 639-2, and its own for Chinese) that differ from BCP 47.
TESSERACT = {
    "eng": "en",
    "deu": "de",
    "fra": "fr",
    "spa": "es",
    "ita": "it",
    "por": "pt",
    "nld": "nl",
    "pol": "pl",
    "ces": "cs",
    "dan": "da",
    "swe": "sv",
    "nor": "no",
    "fin": "fi",
    "hun": "hu",
    "ron": "ro",
    "tur": "tr",
    "jpn": "ja",
    "chi_sim": "zh",
    "chi_tra": "zh-Hant",
}
LITEPARSE = {"text", "bbox", "confidence", "polygon"}
RAPIDOCR = source.Shape("image_file", frozenset({"image_data", "use_det", "use_cls", "use_rec"}))


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class PaddleRequest(_Strict):
    """The request of PaddleX's OCR pipeline; images to look at are not made."""

    file: str = Field(description="The document in base64.", json_schema_extra={"contentEncoding": "base64"})
    fileType: Literal[0, 1] | None = Field(None, description="0: PDF, 1: image; the bytes decide.")  # noqa: N815 - theirs
    visualize: Literal[False] | None = None
    textRecScoreThresh: float | None = Field(None, ge=0, le=1)  # noqa: N815 - theirs


class TesseractOptions(_Strict):
    """The options of tesseract-server that can be honoured."""

    languages: tuple[str, ...] = ()


class RapidSwitches(BaseModel):
    """The switches of RapidOCRAPI: every stage takes part."""

    model_config = ConfigDict(extra="forbid")

    image_data: str | None = None
    use_det: Literal["true", "True", "1"] | None = None
    use_cls: Literal["true", "True", "1"] | None = None
    use_rec: Literal["true", "True", "1"] | None = None


async def rapidocr(request: Request) -> Response:
    """RapidOCRAPI 0.2: a form in, an object of lines by their number out."""

    async def take(pieces: body.Pieces) -> Asked:
        documents, given = await source.several_from_form(request, pieces, RAPIDOCR, documents_needed=False)
        switches = checked(RapidSwitches, given)
        if switches.image_data is not None and not documents:
            documents = [source.from_base64(switches.image_data, "image_data")]
        if len(documents) != 1:
            raise Problem("missing_document", "Send one image: in image_file, or in image_data as base64.")
        return documents[0], Options()

    lines = [
        {"rec_txt": line.text, "dt_boxes": line.polygon, "score": f"{line.confidence:.4f}"}
        for line in _lines(await _read(request, take))
    ]
    return _json({str(number): line for number, line in enumerate(lines)})


async def paddlex(request: Request) -> Response:
    """PaddleX 3 serving, pipeline OCR."""

    async def take(pieces: body.Pieces) -> Asked:
        asked = source.parse_json(PaddleRequest, await body.joined(pieces))
        options = Options(min_confidence=asked.textRecScoreThresh or 0)
        return source.from_base64(asked.file, "file"), options

    result = await _read(request, take)
    sizes, pruned = zip(*map(_paddle_page, result.pages), strict=True)
    alone = len(sizes) == 1
    info = {"type": "image", **sizes[0]} if alone else {"type": "pdf", "numPages": len(sizes), "pages": sizes}
    answer = {"ocrResults": [{"prunedResult": each} for each in pruned], "dataInfo": info}
    head = {"logId": exchange_of(request).request_id, "errorCode": 0, "errorMsg": "Success"}
    return _json({**head, "result": answer})


def _paddle_page(page: Page) -> tuple[dict[str, int], dict[str, object]]:
    pruned = {
        "rec_texts": [line.text for line in page.lines],
        "rec_scores": [line.confidence for line in page.lines],
        "dt_polys": [line.polygon for line in page.lines],
        "rec_polys": [line.polygon for line in page.lines],
        "rec_boxes": [line.bbox for line in page.lines],
    }
    return {"width": page.width, "height": page.height}, pruned


async def liteparse(request: Request) -> Response:
    """The OCR server that LiteParse specifies."""
    shape = source.Shape("file", frozenset({"language"}))

    async def take(pieces: body.Pieces) -> Asked:
        document = await source.from_form(request, pieces, shape)
        if language := document.options.get("language"):
            await _check_languages(request, {str(language): str(language)})
        return document.data, Options()

    lines = _lines(await _read(request, take))
    return _json({"results": [line.model_dump(include=LITEPARSE) for line in lines]})


async def tesseract(request: Request) -> Response:
    """hertzg/tesseract-server 3."""
    shape = source.Shape("file", frozenset({"options"}))

    async def take(pieces: body.Pieces) -> Asked:
        document = await source.from_form(request, pieces, shape)
        options = source.parse_json(TesseractOptions, str(document.options.get("options", "{}")).encode())
        await _check_languages(request, {name: TESSERACT.get(name, name) for name in options.languages})
        return document.data, Options()

    result = await _read(request, take)
    # Tesseract ends each page with a form feed.
    text = "".join(f"{page.text}\n\f" for page in result.pages)
    return _json({"data": {"exit": {"code": 0, "signal": None}, "stderr": "", "stdout": text}})


async def _read(request: Request, take: Callable[[body.Pieces], Awaitable[Asked]]) -> Recognised:
    services = services_of(request)
    deadline = services.deadline()
    source.query_options(request, source.Shape(""))
    with services.admission.admit() as lease:
        document, options = await take(body.chunks(request, services.body_limits, lease, deadline))
        job = Job(exchange_of(request).request_id, deadline, options)
        result = await while_connected(request, services.recogniser.recognise(document, job))
    if problems := list(result.results.problems.values()):
        raise problems[0]
    return result


def _lines(result: Recognised) -> Iterator[Line]:
    return (line for page in result.pages for line in page.lines)


async def _check_languages(request: Request, wanted: Mapping[str, str]) -> None:
    """Refuse a language that the model does not read; `wanted` is BCP 47 by the client's own name."""
    known = {language for model in await models_of(request) for language in model.languages} if wanted else ()
    for name, language in wanted.items():
        if language not in known:
            detail = f"The language {name[:64]!r} is not read; GET /v1/models lists those that are."
            raise Problem("invalid_parameter", detail)


def _json(answer: Mapping[str, object]) -> Response:
    return Response(json.dumps(answer, ensure_ascii=False), media_type="application/json")


OBJECT: Mapping[str, Mapping[str, object]] = {"application/json": {"type": "object"}}
TEXT: Mapping[str, object] = {"type": "string"}
SWITCH: Mapping[str, object] = {"type": "string", "enum": ["true", "True", "1"]}
operation = partial(Operation, "POST", answers={200: Reply("As that server has it.", OBJECT)})

OPERATIONS = (
    operation(
        "/compat/rapidocr/ocr",
        rapidocr,
        "RapidOCRAPI's POST /ocr: `image_file`, or `image_data` in base64.",
        problems=READING | FORM | {"invalid_base64"},
        bodies={
            "multipart/form-data": form(
                {"image_file": BYTES, "use_det": SWITCH, "use_cls": SWITCH, "use_rec": SWITCH}, "image_file"
            )
        },
        curl="-F image_file=@examples/sample.png",
    ),
    operation(
        "/compat/paddlex/ocr",
        paddlex,
        "PaddleX's POST /ocr: JSON with the document in base64.",
        problems=READING | JSON,
        bodies={"application/json": PaddleRequest},
        curl=r'--json "{\"file\": \"$IMAGE\", \"fileType\": 1}"',
    ),
    operation(
        "/compat/liteparse/ocr",
        liteparse,
        "The POST /ocr that LiteParse asks of an OCR server.",
        problems=READING | FORM,
        bodies={"multipart/form-data": form({"file": BYTES, "language": TEXT}, "file")},
        curl="-F file=@examples/sample.png -F language=en",
    ),
    operation(
        "/compat/tesseract",
        tesseract,
        "tesseract-server's POST /tesseract: `file` and `options`.",
        problems=READING | FORM | {"invalid_json"},
        bodies={"multipart/form-data": form({"file": BYTES, "options": TEXT}, "file")},
        curl="""-F file=@examples/sample.png -F 'options={"languages": ["eng"]}'""",
    ),
)
