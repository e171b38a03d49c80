"""POST /gateway/ocr: the call of the system that this one replaces, unchanged for its clients."""

import json

from starlette.requests import Request
from starlette.responses import Response

from ocr_gateway.documents import body, source
from ocr_gateway.problems import Problem
from ocr_gateway.recognise import Job
from ocr_gateway.routes.answers import InferenceAnswer
from ocr_gateway.routes.described import form
from ocr_gateway.routes.operation import BYTES, FORM, READING, Operation, Reply
from ocr_gateway.services import exchange_of, services_of, while_connected

SHAPE = source.Shape(file_field="image_file")


async def gateway_ocr(request: Request) -> Response:
    """Multipart `image_file` in, an Open Inference Protocol response with the text out."""
    services = services_of(request)
    deadline = services.deadline()
    source.query_options(request, SHAPE)
    if source.media_type(request) != "multipart/form-data":
        raise Problem(
            "unsupported_media_type",
            "This path reads multipart/form-data with the document in the field 'image_file'; "
            "POST /v1/ocr also reads raw bodies and JSON.",
        )
    with services.admission.admit() as lease:
        pieces = body.chunks(request, services.body_limits, lease, deadline)
        job = Job(exchange_of(request).request_id, deadline)
        with job.timings.measure("read"):
            document = await source.from_form(request, pieces, SHAPE)
        result = await while_connected(request, services.recogniser.recognise(document.data, job))
    output = {"name": "output-0", "datatype": "BYTES", "shape": [1], "data": [result.text]}
    answer = {"model_name": "ocr-model", "id": job.request_id, "outputs": [output]}
    content = json.dumps(answer, ensure_ascii=False).encode()
    headers = {"Server-Timing": job.timings.header}
    return Response(content, headers=headers, media_type="application/json")


OPERATIONS = (
    Operation(
        "POST",
        "/gateway/ocr",
        gateway_ocr,
        "The call of the system that this one replaces: a form in, an inference response out.",
        answers={
            200: Reply("The text is the only element of `output-0`.", {"application/json": InferenceAnswer})
        },
        problems=READING | FORM,
        bodies={"multipart/form-data": form({"image_file": BYTES}, "image_file")},
        curl="-F image_file=@examples/sample.png",
    ),
)
