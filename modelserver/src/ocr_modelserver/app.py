"""The HTTP application: the Open Inference Protocol, health and metrics on one port."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from prometheus_client.exposition import choose_encoder
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ocr_modelserver.config import Config
from ocr_modelserver.errors import ServiceError
from ocr_modelserver.infer import find_contract, infer
from ocr_modelserver.server import Server

_MODEL_PATHS = ("/v2/models/{model}", "/v2/models/{model}/versions/{version}")


def create_app(config: Config) -> Starlette:
    """The application of one model; it loads and verifies the model at once and warms it up when it runs.

    Raises:
        ModelError: the model cannot be loaded.
    """
    server = Server(config)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        starting = asyncio.create_task(server.start())
        try:
            yield
        finally:
            starting.cancel()
            await asyncio.to_thread(server.close)

    routes = [
        Route("/livez", _live),
        Route("/readyz", _ready),
        Route("/metrics", _metrics),
        Route("/v2", _server_metadata),
        Route("/v2/health/live", _live),
        Route("/v2/health/ready", _ready),
    ]
    for path in _MODEL_PATHS:
        routes.append(Route(path, _model_metadata))
        routes.append(Route(path + "/ready", _model_ready))
        routes.append(Route(path + "/infer", infer, methods=["POST"]))
    app = Starlette(
        routes=routes,
        lifespan=lifespan,
        exception_handlers={HTTPException: _http_error, ServiceError: _service_error},
    )
    app.state.server = server
    return app


def _state(name: str, *, holds: bool, server: Server) -> Response:
    return JSONResponse({name: holds, "model": server.reader.model.name}, 200 if holds else 503)


async def _live(request: Request) -> Response:
    server: Server = request.app.state.server
    return _state("live", holds=server.alive, server=server)


async def _ready(request: Request) -> Response:
    # A full queue is no reason to be taken out of the service: the next image may be the one that fits.
    server: Server = request.app.state.server
    return _state("ready", holds=server.ready and server.alive, server=server)


async def _model_ready(request: Request) -> Response:
    find_contract(request)
    return await _ready(request)


async def _model_metadata(request: Request) -> Response:
    server: Server = request.app.state.server
    card = server.reader.card.model_dump(mode="json")
    return JSONResponse({**find_contract(request).metadata(), "model": card})


async def _server_metadata(_: Request) -> Response:
    return JSONResponse(
        {"name": "kubeocr", "version": version("kubeocr"), "extensions": ["binary_tensor_data"]}
    )


async def _metrics(request: Request) -> Response:
    server: Server = request.app.state.server
    encode, content_type = choose_encoder(request.headers.get("accept", ""))
    return Response(encode(server.metrics.registry), headers={"Content-Type": content_type})


async def _service_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, ServiceError)  # noqa: S101 - registered for nothing else
    return error.response()


async def _http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for nothing else
    code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "invalid_request")
    return ServiceError(code, error.detail, headers=error.headers).response()
