"""A real Redis on a free loopback port."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import ConnectionError as NotThereYet

PASSWORD = "open-sesame"  # noqa: S105 - of a server that lives for one test


@asynccontextmanager
async def redis_server(folder: Path, port: int) -> AsyncIterator[Path]:
    """A running server; the file with its URL, as a Secret would hold it."""
    program = shutil.which("redis-server")
    assert program, "redis-server is missing: apt-get install redis-server"
    flags = ("--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder), "--save", "")
    process = await asyncio.create_subprocess_exec(
        program, *flags, "--requirepass", PASSWORD, stdout=asyncio.subprocess.DEVNULL
    )
    url = f"redis://:{PASSWORD}@127.0.0.1:{port}/0"
    try:
        async with Redis.from_url(url) as redis, asyncio.timeout(20):
            while True:
                try:
                    await redis.ping()
                    break
                except NotThereYet:
                    await asyncio.sleep(0.02)
        file = folder / "redis-url"
        file.write_text(url + "\n")
        yield file
    finally:
        process.terminate()
        await process.wait()
