"""A gateway and a double of the model server, both real HTTP servers on loopback, for the gateway's tests."""

import asyncio
import io
import itertools
import socket
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
import numpy as np
import uvicorn
from PIL import Image
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ocr_gateway.config import Config, HostPort
from ocr_gateway.routes import api
from ocr_gateway.server import Server
from ocr_wire import oip
from ocr_wire.card import ModelCard
from ocr_wire.result import Document, Line, ModelRef, Page
from tests.support.declared import check

TIMING = "queue;dur=1.0, det;dur=2.5, rec;dur=3.0"

MODEL = ModelRef(name="double", sha256="0" * 64)
CARD = ModelCard(**MODEL.model_dump(), languages=("en",), parts=())
Behaviour = Callable[[Request, "ModelServer"], Awaitable[Response]]


def image(size: tuple[int, int] = (40, 30), kind: str = "PNG", colour: int = 255, **options: Any) -> bytes:
    """An image file of one grey."""
    out = io.BytesIO()
    Image.new("L", size, colour).save(out, kind, **options)
    return out.getvalue()


def tiff(colours: Iterable[int], size: tuple[int, int] = (40, 30), compression: str | None = None) -> bytes:
    """A TIFF with one page of each grey."""
    pages = [Image.new("L", size, colour) for colour in colours]
    out = io.BytesIO()
    pages[0].save(out, "TIFF", save_all=True, append_images=pages[1:], compression=compression)
    return out.getvalue()


def read(request: oip.InferRequest) -> Document:
    """What the double reads: the grey of the first pixel, so that pages can be told apart."""
    (tensor,) = request.inputs
    if isinstance(tensor.data, tuple):
        pixels = np.asarray(Image.open(io.BytesIO(tensor.data[0])).convert("RGB"))
    else:
        pixels = tensor.data
    height, width, _ = pixels.shape
    corners = ((0.0, 0.0), (9.0, 0.0), (9.0, 5.0), (0.0, 5.0))
    line = Line(text=f"grey {pixels[0, 0, 0]}", confidence=0.5, polygon=corners, bbox=(0, 0, 9, 5))
    page = Page(width=width, height=height, lines=(line,))
    return Document(model=MODEL, pages=(page,))


async def reading(request: Request, _: "ModelServer") -> Response:
    """The behaviour of a healthy model server."""
    length = request.headers.get(oip.HEADER_LENGTH)
    call = oip.decode_request(await request.body(), int(length) if length else None)
    output = oip.bytes_tensor("result", (read(call).model_dump_json().encode(),))
    message = oip.encode_response(oip.InferResponse("ocr", (output,), id=call.id))
    return Response(message.body, headers=message.headers | {"Server-Timing": TIMING})


def failing(status: int, code: str, **headers: str) -> Behaviour:
    """A behaviour: always this error."""

    async def fail(request: Request, _: "ModelServer") -> Response:
        await request.body()
        return JSONResponse({"error": f"told {code}", "code": code}, status, headers)

    return fail


@dataclass
class ModelServer:
    """A double of a model server; `behaviour` answers inferences and may be changed at any time."""

    behaviour: Behaviour = reading
    ready: bool = True
    port: int = 0
    seen: list[dict[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    running: int = 0
    most: int = 0
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    card: ModelCard | None = CARD

    async def infer(self, request: Request) -> Response:
        self.seen.append(dict(request.headers))
        self.bodies.append(await request.body())
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            return await self.behaviour(request, self)
        finally:
            self.running -= 1

    async def health(self, _: Request) -> Response:
        return JSONResponse({"ready": self.ready}, 200 if self.ready else 503)

    async def metadata(self, request: Request) -> Response:
        self.seen.append(dict(request.headers))
        card = {"model": self.card.model_dump(mode="json")} if self.card else {}
        return JSONResponse({"name": request.url.path, **card}, headers={"X-Secret": "inside"})

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/v2/health/ready", self.health),
                Route("/v2/models/{model}/infer", self.infer, methods=["POST"]),
                Route("/v2/models/{model}/versions/1/infer", self.infer, methods=["POST"]),
                Route("/v2/{rest:path}", self.metadata),
                Route("/v2", self.metadata),
            ]
        )


async def until_gone(request: Request, server: ModelServer) -> Response:
    """A behaviour: never answers; notes that its caller went away."""
    while (await request.receive())["type"] != "http.disconnect":
        continue
    server.cancelled.set()
    return Response(status_code=499)


async def eventually(condition: Callable[[], bool | Awaitable[bool]], seconds: float = 60) -> None:
    """Wait until the condition holds."""
    async with asyncio.timeout(seconds):
        for _ in itertools.count():
            held = condition()
            if held if isinstance(held, bool) else await held:
                return
            await asyncio.sleep(0.005)


@asynccontextmanager
async def served(server: uvicorn.Server, listener: socket.socket) -> AsyncIterator[None]:
    """Run a uvicorn server in this loop, without its signal handlers."""
    running = asyncio.create_task(server._serve([listener]))
    await eventually(lambda: server.started)
    try:
        yield
    finally:
        server.should_exit = True
        await running


def free_socket() -> socket.socket:
    """A listening socket on a free loopback port."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    return listener


@asynccontextmanager
async def model_server(behaviour: Behaviour = reading, *, ready: bool = True) -> AsyncIterator[ModelServer]:
    """A running double."""
    double = ModelServer(behaviour, ready)
    listener = free_socket()
    double.port = listener.getsockname()[1]
    config = uvicorn.Config(double.app(), log_config=None, access_log=False, timeout_graceful_shutdown=1)
    async with served(uvicorn.Server(config), listener):
        yield double


@asynccontextmanager
async def breaking_server(sent: bytes) -> AsyncIterator[int]:
    """A server that says it is ready, and resets the connection of an inference after `sent`; its port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if head.startswith(b"GET /v2/health/ready"):
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            writer.close()
            return
        writer.write(sent)
        await writer.drain()
        writer.transport.abort()

    listener = free_socket()
    async with await asyncio.start_server(serve, sock=listener):
        yield listener.getsockname()[1]


@asynccontextmanager
async def vanishing_server() -> AsyncIterator[tuple[int, asyncio.Event]]:
    """A server that says it is ready and vanishes without a word at the first inference; its port, when."""
    loop, vanished, kept = asyncio.get_running_loop(), asyncio.Event(), list[socket.socket]()

    async def serve() -> None:
        head = b""
        while not head.startswith(b"POST"):
            connection, _ = await loop.sock_accept(listener)
            kept.append(connection)
            connection.setblocking(False)
            head = await loop.sock_recv(connection, 1 << 16)
            if head.startswith(b"GET"):
                ready = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                await loop.sock_sendall(connection, ready)
                connection.close()
        with suppress(TimeoutError):  # one connection takes the only place, ours or another one
            await asyncio.wait_for(loop.sock_connect(last, listener.getsockname()), 0.5)
        vanished.set()

    with socket.socket() as listener, socket.socket() as last:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)  # whoever comes when the place is taken is dropped by the kernel
        for each in (listener, last):
            each.setblocking(False)
        serving = asyncio.create_task(serve())
        yield listener.getsockname()[1], vanished
        serving.cancel()
        for connection in kept:
            connection.close()


@dataclass
class Gateway:
    """A running gateway and a client for it."""

    client: httpx.AsyncClient
    port: int
    config: Config
    set_endpoints: Callable[[Iterable[int]], None]

    async def settled(self, status: int = 200) -> None:
        """Wait until the gateway's readiness is `status`."""

        async def reached() -> bool:
            return (await self.client.get("/readyz")).status_code == status

        await eventually(reached)


@asynccontextmanager
async def gateway(tmp_path: Any, *doubles: ModelServer, **settings: Any) -> AsyncIterator[Gateway]:
    """A gateway in front of the doubles; waits until it is ready when there is one that is.

    Every answer that its client gets is held against the API's declarations.
    """
    folder = tmp_path / uuid.uuid4().hex
    folder.mkdir()

    def set_endpoints(ports: Iterable[int]) -> None:
        new = folder / "new"
        new.write_text("".join(f"127.0.0.1:{port}\n" for port in ports))
        new.replace(folder / "models")

    set_endpoints(double.port for double in doubles)
    defaults: dict[str, Any] = {"refresh_seconds": 0.05, "endpoint_wait_seconds": 0.3, "drain_seconds": 1}
    settings = {"upstream": HostPort("models", 80), "endpoints_dir": folder, **defaults, **settings}
    config = Config(**settings)
    listener = free_socket()
    port = listener.getsockname()[1]
    operations = api.operations(jobs=config.jobs.job_store != "off")

    async def as_declared(response: httpx.Response) -> None:
        code = None
        if response.headers.get("content-type") == "application/problem+json":
            await response.aread()
            code = response.json()["code"]
        check(response, code, operations)

    hooks = {"response": [as_declared]}
    url = f"http://127.0.0.1:{port}"
    async with (
        served(Server(config), listener),
        httpx.AsyncClient(base_url=url, timeout=20, event_hooks=hooks) as client,
    ):
        running = Gateway(client, port, config, set_endpoints)
        if any(double.ready for double in doubles):
            await running.settled()
        yield running
