"""The real gateway in front of real model servers, all of them processes."""

import asyncio
import base64
import io
import os
import re
import signal
import struct
import sys
import zlib
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from PIL import Image, ImageDraw, ImageFont

from tests.unit.gateway_kit import eventually, free_socket

PROGRAMS = Path(sys.executable).parent


def drawn(text: str, kind: str = "PNG") -> bytes:
    """A small picture of one line of text."""
    picture = Image.new("RGB", (220, 60), "white")
    ImageDraw.Draw(picture).text((16, 12), text, fill="black", font=ImageFont.load_default(32))
    out = io.BytesIO()
    picture.save(out, kind)
    return out.getvalue()


def two_pages() -> bytes:
    first, second = (Image.open(io.BytesIO(drawn(text))) for text in ("first page", "second page"))
    out = io.BytesIO()
    first.save(out, "TIFF", save_all=True, append_images=[second])
    return out.getvalue()


def free_port() -> int:
    with free_socket() as listener:
        port: int = listener.getsockname()[1]
        return port


@dataclass
class Program:
    """A program that is started and ended at will, always on the same port."""

    name: str
    flags: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    process: Process | None = None

    async def start(self) -> None:
        self.process = await asyncio.create_subprocess_exec(
            PROGRAMS / self.name,
            *("--port", str(self.port), *self.flags),
            env={**os.environ, **self.env},
            stdout=DEVNULL,
            stderr=DEVNULL,
        )

    async def end(self, sig: signal.Signals) -> None:
        assert self.process is not None
        if self.process.returncode is None:
            self.process.send_signal(sig)
        await self.process.wait()

    async def answers(self, path: str) -> None:
        async with httpx.AsyncClient() as client:

            async def ready() -> bool:
                try:
                    return (await client.get(f"http://127.0.0.1:{self.port}{path}")).status_code == 200
                except httpx.TransportError:
                    return False

            await eventually(ready, seconds=180)


@asynccontextmanager
async def running(*programs: Program) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        for program in programs:
            await program.start()
            stack.push_async_callback(program.end, signal.SIGKILL)
        for program in programs:
            await program.answers("/readyz")
        yield


@dataclass
class Stack:
    servers: tuple[Program, Program]
    door: Program
    client: httpx.AsyncClient


@pytest.fixture(scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """Two model servers of one thread each, and a gateway that reads their endpoints from a file."""
    folder = tmp_path_factory.mktemp("endpoints")
    servers = tuple(Program("ocr-modelserver", ("--threads", "1")) for _ in range(2))
    (folder / "models").write_text("".join(f"127.0.0.1:{server.port}\n" for server in servers))
    flags = ("--upstream", "models:80", "--max-body-bytes", "2000000", "--request-timeout-seconds", "120")
    door = Program("ocr-gateway", flags, {"OCR_ENDPOINTS_DIR": str(folder)})
    async with (
        running(*servers, door),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{door.port}", timeout=130) as client,
    ):
        yield Stack((servers[0], servers[1]), door, client)


async def test_every_way_in_reads_the_same_text(stack: Stack) -> None:
    data = drawn("hello 2026")
    content = base64.b64encode(data).decode()
    tensor = {"name": "input-0", "shape": [1], "datatype": "BYTES", "data": [content]}
    raw = await stack.client.post("/v1/ocr", content=data, headers={"accept": "text/plain"})
    form = await stack.client.post("/v1/ocr", files={"file": ("a.png", data)})
    json = await stack.client.post("/v1/ocr", json={"document": {"content": content}})
    old = await stack.client.post("/gateway/ocr", files={"image_file": ("a.png", data, "image/png")})
    oip = await stack.client.post("/v2/models/ocr-model/infer", json={"inputs": [tensor]})
    texts = [raw.text.strip(), form.json()["pages"][0]["text"], json.json()["pages"][0]["text"]]
    texts += [answer.json()["outputs"][0]["data"][0] for answer in (old, oip)]
    assert texts == ["hello 2026"] * 5
    assert form.json()["model"]["name"] == "balanced"
    assert {"queue", "det", "rec"} <= set(form.json()["timings_ms"])


async def test_the_pages_of_a_tiff_are_read_in_order(stack: Stack) -> None:
    answer = await stack.client.post("/v1/ocr", params={"output": "text"}, content=two_pages())
    assert answer.text == "first page\n\nsecond page\n"


async def test_a_pdf_of_scans_is_drawn_and_read_page_by_page(stack: Stack) -> None:
    first, second = (Image.open(io.BytesIO(drawn(text))) for text in ("first page", "second page"))
    out = io.BytesIO()
    first.save(out, "PDF", resolution=200, save_all=True, append_images=[second])
    document = (await stack.client.post("/v1/ocr", content=out.getvalue())).json()
    assert [page["text"] for page in document["pages"]] == ["first page", "second page"]
    assert {(page["source"], page["dpi"], page["width"]) for page in document["pages"]} == {("ocr", 200, 220)}


def bomb() -> bytes:
    """A valid PNG of 30000x30000 white pixels in about 110 kB."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    packer, row = zlib.compressobj(1), b"\0" + b"\xff" * 3750
    pixels = b"".join(packer.compress(row * 100) for _ in range(300)) + packer.flush()
    head = struct.pack(">IIBBBBB", 30_000, 30_000, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def converted(kind: str, mode: str, **options: object) -> bytes:
    out = io.BytesIO()
    picture: Image.Image = Image.open(io.BytesIO(drawn("hello 2026")))
    if mode == "I;16":
        picture = picture.convert("L").convert("I").point(lambda value: value * 257)
    picture.convert(mode).save(out, kind, **options)
    return out.getvalue()


def strip() -> bytes:
    out = io.BytesIO()
    Image.new("L", (20_000, 20), 255).save(out, "PNG")
    return out.getvalue()


def upside_down_by_exif() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 3
    out = io.BytesIO()
    turned = Image.open(io.BytesIO(drawn("hello 2026"))).rotate(180)
    turned.save(out, "JPEG", exif=exif, quality=95)
    return out.getvalue()


def animation(kind: str) -> bytes:
    frames = [Image.open(io.BytesIO(drawn(text))) for text in ("hello 2026", "other words")]
    out = io.BytesIO()
    frames[0].save(out, kind, save_all=True, append_images=frames[1:])
    return out.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(converted("JPEG", "CMYK", quality=95), id="CMYK"),
        pytest.param(converted("PNG", "RGBA"), id="alpha"),
        pytest.param(converted("PNG", "I;16"), id="16 bit"),
        pytest.param(converted("PNG", "P"), id="palette"),
        pytest.param(converted("TIFF", "1"), id="1 bit"),
        pytest.param(converted("BMP", "RGB"), id="BMP"),
        pytest.param(converted("WEBP", "RGB", quality=95), id="WebP"),
        pytest.param(upside_down_by_exif(), id="EXIF"),
        *(pytest.param(animation(kind), id=f"animated {kind}") for kind in ("GIF", "PNG", "WEBP")),
    ],
)
async def test_every_kind_of_image_is_read(stack: Stack, data: bytes) -> None:
    answer = await stack.client.post("/v1/ocr", params={"output": "text"}, content=data)
    assert answer.text == "hello 2026\n"


async def test_a_strip_of_20000_by_20_pixels_is_read(stack: Stack) -> None:
    answer = await stack.client.post("/v1/ocr", content=strip())
    assert [(page["width"], page["height"]) for page in answer.json()["pages"]] == [(20_000, 20)]


def resident(program: Program) -> int:
    """The greatest resident memory of the process so far, in bytes."""
    assert program.process is not None
    status = Path(f"/proc/{program.process.pid}/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) * 1024


async def test_bad_input_costs_neither_memory_nor_the_next_request(stack: Stack) -> None:
    good, tiny = drawn("hello 2026"), io.BytesIO()
    Image.new("L", (1, 1)).save(tiny, "PNG")
    cases = {
        "400 empty_body": b"",
        "415 unsupported_media_type": b"a text file that is named .png",
        "422 undecodable_image": good[: len(good) // 2],
        "422 image_too_small": tiny.getvalue(),
        "413 too_many_pixels": bomb(),
        "413 body_too_large": b"x" * 2_000_001,
    }
    await stack.client.post("/v1/ocr", content=b"x" * 1_999_999)
    before = resident(stack.door)
    for expected, data in cases.items():
        answer = await stack.client.post("/v1/ocr", content=data)
        assert f"{answer.status_code} {answer.json()['code']}" == expected
        answer = await stack.client.post("/v1/ocr", params={"output": "text"}, content=good)
        assert answer.text == "hello 2026\n"
    assert resident(stack.door) - before < 30_000_000


async def test_a_truncated_image_is_refused_by_the_model_server_as_a_problem(stack: Stack) -> None:
    data = drawn("some text", "BMP")
    answer = await stack.client.post("/v1/ocr", content=data[: len(data) // 2])
    assert (answer.status_code, answer.json()["code"]) == (422, "undecodable_image")
    assert answer.headers["content-type"] == "application/problem+json"


async def test_no_request_is_lost_while_model_servers_are_killed_and_restarted(stack: Stack) -> None:
    data, answers, over = drawn("hello 2026"), list[httpx.Response](), asyncio.Event()

    async def client() -> None:
        while not over.is_set():
            answers.append(await stack.client.post("/v1/ocr", content=data))

    def past(count: int) -> Callable[[], bool]:
        return lambda: len(answers) >= count

    async def trouble() -> None:
        for server, sig in zip(stack.servers, (signal.SIGKILL, signal.SIGTERM), strict=True):
            await eventually(past(len(answers) + 10), seconds=180)
            await server.end(sig)
            await server.start()
            await server.answers("/readyz")
        over.set()

    async with asyncio.TaskGroup() as group:
        group.create_task(trouble())
        for _ in range(3):  # what one server takes on a slow machine, too
            group.create_task(client())
    assert not [answer.text for answer in answers if answer.status_code != 200]
    assert {answer.json()["pages"][0]["text"] for answer in answers} == {"hello 2026"}
    text = (await stack.client.get("/metrics")).text
    assert (
        'attempt="first",ocrservice="local",result="connect_error"' in text
    )  # there was something to survive
