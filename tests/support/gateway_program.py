"""The program `ocr-gateway` as a process in front of a double of the model server."""

import asyncio
import ssl
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from tests.unit.gateway_kit import ModelServer, eventually, free_socket

PROGRAM = Path(sys.executable).parent / "ocr-gateway"


def free_port() -> int:
    """A loopback port that nobody has now."""
    with free_socket() as listener:
        port: int = listener.getsockname()[1]
        return port


async def start(*flags: str) -> Process:
    """The process, with pipes for what it writes."""
    return await asyncio.create_subprocess_exec(PROGRAM, *flags, stdout=PIPE, stderr=PIPE)


@asynccontextmanager
async def program(
    double: ModelServer, *flags: str, tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[Process, httpx.AsyncClient]]:
    """A ready gateway process and a client with one kept connection."""
    port = free_port()
    process = await start("--upstream", f"127.0.0.1:{double.port}", "--port", str(port), *flags)
    url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
    limits = httpx.Limits(max_connections=1)
    try:
        async with httpx.AsyncClient(base_url=url, limits=limits, timeout=20, verify=tls or True) as client:

            async def ready() -> bool:
                try:
                    return (await client.get("/readyz")).status_code == 200
                except httpx.ConnectError:
                    return False

            await eventually(ready)
            yield process, client
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
