"""Load of a bounded number of requests, and what came of it."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, repeat

import aiohttp

SLOW_PIECES = 20


@dataclass(frozen=True, slots=True)
class Shot:
    """One request to send, again and again."""

    url: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """Seconds of every request that was answered 200, the number of each status, and the wall time of all."""

    seconds: tuple[float, ...]
    statuses: dict[int, int]
    wall: float

    @property
    def per_second(self) -> float:
        """Requests that were answered 200, a second."""
        return len(self.seconds) / self.wall

    def percentile(self, share: float) -> float:
        """In seconds; of `share` of the requests it was not more."""
        return percentile(self.seconds, share)


def percentile(values: tuple[float, ...], share: float) -> float:
    """The smallest value that `share` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


async def closed(session: aiohttp.ClientSession, shot: Shot, *, count: int, clients: int) -> Outcome:
    """`count` requests by `clients` that each send the next one when they have their answer."""
    work = islice(repeat(shot), count)
    statuses: Counter[int] = Counter()
    seconds: list[float] = []
    started = time.perf_counter()

    async def client(shots: Iterator[Shot]) -> None:
        for each in shots:
            status, took = await send(session, each)
            statuses[status] += 1
            if status == 200:
                seconds.append(took)

    await asyncio.gather(*(client(work) for _ in range(clients)))
    return Outcome(tuple(seconds), dict(statuses), time.perf_counter() - started)


async def send(session: aiohttp.ClientSession, shot: Shot) -> tuple[int, float]:
    """Status and seconds of one request."""
    start = time.perf_counter()
    async with session.post(shot.url, data=shot.body, headers=dict(shot.headers)) as answer:
        await answer.read()
        return answer.status, time.perf_counter() - start


async def slowly(session: aiohttp.ClientSession, shot: Shot, pause: float, over: asyncio.Event) -> None:
    """Send the body in pieces with pauses between them, again until `over`."""

    async def pieces():  # type: ignore[no-untyped-def]  # an async generator that aiohttp consumes
        size = -(-len(shot.body) // SLOW_PIECES)
        for start in range(0, len(shot.body), size):
            yield shot.body[start : start + size]
            await asyncio.sleep(pause)

    while not over.is_set():
        async with session.post(shot.url, data=pieces(), headers=dict(shot.headers)) as answer:
            await answer.read()
