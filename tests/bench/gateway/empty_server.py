"""A model server with an empty pipeline: takes an image by Open Inference Protocol and answers a fixed page.

    python -m tests.bench.gateway.empty_server PORT

It is what is left of a model server when reading costs nothing, so that the gateway's own cost shows.
"""

import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ocr_wire import oip
from ocr_wire.result import Document, Line, ModelRef, Page

_LINES = 40


def _answer() -> oip.Message:
    corners = ((100.0, 100.0), (900.0, 100.0), (900.0, 130.0), (100.0, 130.0))
    line = Line(text="x" * 60, confidence=0.9, polygon=corners, bbox=(100, 100, 900, 130))
    page = Page(width=1240, height=1754, lines=(line,) * _LINES)
    document = Document(model=ModelRef(name="empty", sha256="0" * 64), pages=(page,))
    output = oip.bytes_tensor("result", (document.model_dump_json().encode(),))
    return oip.encode_response(oip.InferResponse("ocr", (output,)))


ANSWER = _answer()


async def _infer(request: Request) -> Response:
    await request.body()
    return Response(ANSWER.body, headers=dict(ANSWER.headers))


async def _ready(_: Request) -> Response:
    return PlainTextResponse("ok")


app = Starlette(
    routes=[
        Route("/v2/health/ready", _ready),
        Route("/v2/models/ocr/infer", _infer, methods=["POST"]),
    ]
)

if __name__ == "__main__":
    uvicorn.run(
        app, port=int(sys.argv[1]), loop="uvloop", http="httptools", log_config=None, access_log=False
    )
