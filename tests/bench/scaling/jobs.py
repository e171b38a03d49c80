"""What jobs cost the Redis that keeps them, measured: one gateway and one model server here."""

import asyncio
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import aiohttp
from redis.asyncio import Redis

from tests.bench.gateway import programs
from tests.bench.gateway.programs import Program
from tests.bench.overload import drawn
from tests.bench.stack import free_ports
from tests.support.redis import redis_server

# More than a gateway reads at once: so some wait, as jobs do.
_CLIENTS = 6
_QUIET_SECONDS = 20.0
_WAIT_SECONDS = 20


@dataclass(frozen=True, slots=True)
class JobCost:
    """Of Redis: CPU seconds a second for each gateway that waits for jobs, and for one job of one page.

    `kept_kib` is the memory that a job takes until it expires, beside the `document_kib` of its document;
    `count` is how many were measured.
    """

    count: int
    waiting: float
    job: float
    document_kib: float
    kept_kib: float

    @property
    def kept_in_a_gib(self) -> int:
        """So many jobs, each until it expires."""
        return int((1 << 20) / (self.document_kib + self.kept_kib))


@dataclass(frozen=True, slots=True)
class _Used:
    cpu_seconds: float
    memory_kib: float

    @classmethod
    async def by(cls, redis: Redis) -> "_Used":
        info = await redis.info()
        return cls(info["used_cpu_user"] + info["used_cpu_sys"], info["used_memory"] / 1024)


async def measure(model: str, threads: int, seconds: float) -> JobCost:
    """Clients that wait for their jobs and fetch the results, for so many seconds."""
    (port,) = free_ports(1)
    with tempfile.TemporaryDirectory() as folder, programs.model_server(model, threads) as server:
        async with redis_server(Path(folder), port) as url_file:
            redis = Redis.from_url(url_file.read_text().strip())
            with programs.gateway(
                [server], "--job-store", "redis", "--redis-url-file", str(url_file)
            ) as door:
                async with redis, aiohttp.ClientSession() as session:
                    return await _measure(redis, session, door, seconds)


async def _measure(redis: Redis, session: aiohttp.ClientSession, door: Program, seconds: float) -> JobCost:
    empty = await _Used.by(redis)
    await asyncio.sleep(_QUIET_SECONDS)
    quiet = await _Used.by(redis)
    documents, over = cycle([shot.body for shot in drawn(door)]), time.monotonic() + seconds
    sizes = [
        size
        for sizes in await asyncio.gather(
            *(_client(session, door.url, documents, over) for _ in range(_CLIENTS))
        )
        for size in sizes
    ]
    used = await _Used.by(redis)
    document_kib = sum(sizes) / len(sizes) / 1024
    return JobCost(
        count=len(sizes),
        waiting=(quiet.cpu_seconds - empty.cpu_seconds) / _QUIET_SECONDS,
        job=(used.cpu_seconds - quiet.cpu_seconds) / len(sizes),
        document_kib=document_kib,
        kept_kib=(used.memory_kib - quiet.memory_kib) / len(sizes) - document_kib,
    )


async def _client(
    session: aiohttp.ClientSession, url: str, documents: Iterator[bytes], over: float
) -> list[int]:
    """The sizes of the documents whose results it got, one after the other."""
    sizes = []
    while time.monotonic() < over:
        document = next(documents)
        async with session.post(f"{url}/v1/jobs", data=document) as accepted:
            accepted.raise_for_status()
            job = f"{url}/v1/jobs/{(await accepted.json())['id']}"
        status = "queued"
        while status in ("queued", "running"):
            async with session.get(job, params={"wait": _WAIT_SECONDS}) as answer:
                status = (await answer.json())["status"]
        async with session.get(f"{job}/result") as result:
            result.raise_for_status()
            await result.read()
        sizes.append(len(document))
    return sizes
