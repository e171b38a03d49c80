"""Hostile requests over bare sockets to the program `ocr-gateway`: refused early, and nothing stays."""

import asyncio
import gzip
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.gateway_program import program
from tests.unit.gateway_kit import ModelServer, image, model_server

PNG = image()
MIB = 1024 * 1024
# What allocators and caches may keep once the flood is over.
SLACK = 24 * MIB
# What sockets and their buffers take before a refusal can come through.
EARLY = 64 * MIB
GIGABYTES = 2 * 1024 * MIB


@pytest.fixture(scope="module")
async def running() -> AsyncIterator[tuple[Process, httpx.AsyncClient, ModelServer]]:
    async with model_server() as double, program(double, "--max-body-bytes", str(MIB)) as (process, client):
        yield process, client, double


def resident(process: Process) -> int:
    """Bytes that the process has in memory."""
    status = Path("/proc", str(process.pid), "status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024


def head(*lines: str, method: str = "POST", path: str = "/v1/ocr") -> bytes:
    return "\r\n".join((f"{method} {path} HTTP/1.1", "Host: a", *lines, "", "")).encode("latin-1")


def sized(body: bytes, *lines: str) -> bytes:
    return head(f"Content-Length: {len(body)}", *lines) + body


async def answer(client: httpx.AsyncClient, pieces: Iterable[bytes]) -> bytes:
    """What comes back until the gateway closes; as soon as something does, nothing more is sent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", client.base_url.port)
    said, sent = bytearray(), 0

    async def read() -> None:
        while piece := await reader.read(65536):
            said.extend(piece)

    try:
        async with asyncio.timeout(30):
            reading = asyncio.create_task(read())
            for piece in pieces:
                if reading.done() or said:
                    break
                writer.write(piece)
                sent += len(piece)
                await writer.drain()
            await reading
    finally:
        writer.transport.abort()
    assert sent < EARLY
    return bytes(said)


def form(parts: int, name: str = "f{}", filename: str = "") -> bytes:
    named = f'; filename="{filename}"' if filename else ""
    one = '--b\r\nContent-Disposition: form-data; name="{}"{}\r\n\r\nx\r\n'
    body = "".join(one.format(name.format(number), named) for number in range(parts)) + "--b--\r\n"
    return sized(body.encode(), "Content-Type: multipart/form-data; boundary=b", "Connection: close")


def endless(piece: bytes = b"x" * 65536, size: int = GIGABYTES) -> Iterator[bytes]:
    yield from (piece for _ in range(size // len(piece)))


def declared_upload() -> Iterator[bytes]:
    yield head(f"Content-Length: {GIGABYTES}")
    yield from endless()


def undeclared_upload() -> Iterator[bytes]:
    yield head("Transfer-Encoding: chunked")
    yield from endless(b"10000\r\n" + b"x" * 65536 + b"\r\n")


def multipart_upload() -> Iterator[bytes]:
    yield head("Transfer-Encoding: chunked", "Content-Type: multipart/form-data; boundary=b")
    part = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    yield b"%x\r\n%b\r\n" % (len(part), part)
    yield from endless(b"10000\r\n" + b"x" * 65536 + b"\r\n")


BOMB = gzip.compress(bytes(50 * MIB))
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
CASES: dict[str, tuple[Iterable[bytes], bytes, bytes]] = {
    "a negative length": ([head("Content-Length: -1")], b"400", b""),
    "a length that is no number": ([head("Content-Length: 1e3")], b"400", b""),
    "a signed length": ([head("Content-Length: +4") + b"abcd"], b"400", b""),
    "a length beyond 64 bits": ([head(f"Content-Length: {10**30}")], b"400", b""),
    "two lengths": ([head("Content-Length: 4", "Content-Length: 40") + b"abcd"], b"400", b""),
    "a length beside chunks": (
        [head("Content-Length: 4", "Transfer-Encoding: chunked") + b"0\r\n\r\n" + SMUGGLED],
        b"400",
        b"",
    ),
    "chunks beside a length": (
        [head("Transfer-Encoding: chunked", "Content-Length: 4") + b"0\r\n\r\n" + SMUGGLED],
        b"400",
        b"",
    ),
    "a chunk size that is no number": ([head("Transfer-Encoding: chunked") + b"zz\r\n\r\n"], b"400", b""),
    "an unknown transfer encoding": (
        [head("Transfer-Encoding: chunked, nonsense") + b"0\r\n\r\n"],
        b"400",
        b"",
    ),
    "a space before the colon": ([head("Content-Length : 4") + b"abcd"], b"400", b""),
    "a folded header": ([head("X-A: b", " c: d")], b"400", b""),
    "a NUL in a header": ([head("X-A: a\0b")], b"400", b""),
    "a header beyond 64 KiB": ([head("X-A: " + "a" * 70_000)], b"400", b""),
    "1,000 headers of 100 bytes": ([head(*(f"X-{n}: {'a' * 100}" for n in range(1000)))], b"400", b""),
    "no HTTP": ([b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200)], b"400", b""),
    "another version of HTTP": ([b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"], b"400", b""),
    "2 GB, declared": (declared_upload(), b"413", b"body_too_large"),
    "2 GB, undeclared": (undeclared_upload(), b"413", b"body_too_large"),
    "2 GB in a form": (multipart_upload(), b"413", b"body_too_large"),
    "100 fields": ([form(100)], b"413", b"too_many_parts"),
    "10,000 parts": ([form(10_000)], b"413", b"too_many_parts"),
    "10,000 files": ([form(10_000, "file", "a.png")], b"413", b"too_many_parts"),
    "a gzip bomb": (
        [sized(BOMB, "Content-Encoding: gzip", "Connection: close")],
        b"415",
        b"unsupported_media_type",
    ),
    "a way out of a folder as file name": (
        [form(1, "file", "../../../../etc/passwd")],
        b"415",
        b"unsupported_media_type",
    ),
    "a bare line feed as header": (
        [head("X-Request-Id: a\nX-Injected: yes", "Connection: close", method="GET", path="/livez")],
        b"",
        b"",
    ),
}


@pytest.mark.parametrize(("pieces", "status", "code"), CASES.values(), ids=CASES.keys())
async def test_a_hostile_request_is_refused_and_nothing_stays_behind(
    running: tuple[Process, httpx.AsyncClient, ModelServer],
    pieces: Iterable[bytes],
    status: bytes,
    code: bytes,
) -> None:
    process, client, double = running
    assert (await client.post("/v1/ocr", content=PNG)).status_code == 200
    before, seen = resident(process), len(double.seen)
    said = await answer(client, pieces)
    assert said.startswith(b"HTTP/1.1 " + status), said[:200]
    assert said.count(b"HTTP/1.1 ") == 1, "a second request was found inside the first"
    assert code in said
    assert b"x-injected" not in said.lower()
    assert len(double.seen) == seen
    assert (await client.post("/v1/ocr", content=PNG)).status_code == 200
    assert resident(process) - before < SLACK


async def test_forty_slow_clients_do_not_keep_a_quick_one_waiting(
    running: tuple[Process, httpx.AsyncClient, ModelServer],
) -> None:
    _, client, _ = running
    begun = (head("X-Slow: 1")[:-2], head("Content-Length: 1000") + b"x")
    slow = [await asyncio.open_connection("127.0.0.1", client.base_url.port) for _ in range(40)]
    for number, (_, writer) in enumerate(slow):
        writer.write(begun[number % 2])
        await writer.drain()
    for _ in range(10):
        assert (await client.post("/v1/ocr", content=PNG, timeout=5)).status_code == 200
    for _, writer in slow:
        writer.transport.abort()


async def test_a_request_id_cannot_bring_a_header_into_the_answer_or_a_line_into_the_log(
    running: tuple[Process, httpx.AsyncClient, ModelServer],
) -> None:
    _, client, _ = running
    for value in ("a%0d%0aX-Injected: yes", "a\tb", "a\x0bb", "a\x85b", "é"):
        said = await answer(client, [head(f"X-Request-Id: {value}", "Connection: close", path="/v1/ocr")])
        assert b"x-injected" not in said.lower()
        assert b"x-request-id: req_" in said.lower() or said.startswith(b"HTTP/1.1 400")
