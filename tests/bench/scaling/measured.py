"""The small end, measured: one gateway and one model server here, at 80 % and 200 % of the load."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle

import aiohttp

from tests.bench.gateway import programs
from tests.bench.gateway.load import Shot
from tests.bench.overload import Load, drawn, open_loop

_QUEUE = re.compile(r"queue;dur=([0-9.]+)")


@dataclass(frozen=True, slots=True)
class SmallEnd:
    """`pages`: seconds that pages took a thread while all were at work; `loads` as in the overload."""

    threads: int
    pages: tuple[float, ...]
    loads: tuple[Load, ...]

    @property
    def capacity(self) -> float:
        """Pages a second of all threads."""
        return self.threads * len(self.pages) / sum(self.pages)


async def measure(model: str, threads: int, seconds: float) -> SmallEnd:
    """Three times so many seconds."""
    with programs.model_server(model, threads) as server, programs.gateway([server]) as door:
        shots = drawn(door)
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            pages = await _thread_seconds(session, shots, threads, seconds)
            capacity = threads * len(pages) / sum(pages)
            low = await open_loop(session, shots, "80 %", 0.8 * capacity, seconds)
            high = await open_loop(session, shots, "200 %", 2 * capacity, seconds)
    return SmallEnd(threads, pages, (low, high))


async def _thread_seconds(
    session: aiohttp.ClientSession, shots: Sequence[Shot], threads: int, seconds: float
) -> tuple[float, ...]:
    """With as many clients as threads hardly a page waits for another one; what one waits does not count."""
    loop = asyncio.get_running_loop()
    over, endless, found = loop.time() + seconds, cycle(shots), list[float]()

    async def client() -> None:
        while loop.time() < over:
            shot, came = next(endless), loop.time()
            async with session.post(shot.url, data=shot.body, headers=dict(shot.headers)) as answer:
                answer.raise_for_status()
                await answer.read()
                queued = sum(float(ms) / 1000 for ms in _QUEUE.findall(answer.headers["Server-Timing"]))
                found.append(loop.time() - came - queued)

    await asyncio.gather(*(client() for _ in range(threads)))
    return tuple(found)
