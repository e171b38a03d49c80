"""What is measured of the gateway; each measure gives rows of a table."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp

from tests.bench.gateway import programs
from tests.bench.gateway.load import Outcome, closed, percentile, send, slowly
from tests.bench.gateway.programs import Program
from tests.bench.gateway.shots import direct, page, through

FAST, SLOW = 20, 200
SLOW_PAUSE = 0.4


@dataclass(frozen=True, slots=True)
class Row:
    """One figure: what it is, its value, and the unit."""

    name: str
    value: float
    unit: str
    goal: str = ""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many requests the measures send."""

    paired: int = 1000
    empty: int = 5000
    flat: int = 10_000
    real: int = 16


Measure = Callable[[Sizes], Coroutine[None, None, list[Row]]]


async def added_time(sizes: Sizes) -> list[Row]:
    """A 1 MB image to a model server with an empty pipeline: directly and through the gateway, in turn."""
    image = page(noise=True)
    with programs.empty_servers(1) as (server,), programs.gateway([server]) as door:
        async with open_session() as session:
            shots = direct(server, image), through(door, image)
            taken: tuple[list[float], list[float]] = ([], [])
            for number in range(sizes.paired + 20):
                for shot, seconds in zip(shots, taken, strict=True):
                    status, took = await send(session, shot)
                    assert status == 200, f"{shot.url} answered {status}"
                    if number >= 20:  # the first ones warm up
                        seconds.append(took)
    added = tuple(via - bare for bare, via in zip(*taken, strict=True))
    p99 = percentile(tuple(taken[1]), 0.99) - percentile(tuple(taken[0]), 0.99)
    return [
        Row("size of the image", len(image) / 1e6, "MB"),
        Row("added to a request, p50", percentile(added, 0.5) * 1000, "ms", "< 3"),
        Row("added to a request, p99 against p99", p99 * 1000, "ms"),
    ]


async def share_of_processor(sizes: Sizes) -> list[Row]:
    """The gateway's part of the CPU time that real pages of 1 MB take, with the default model."""
    image = page(noise=True)
    with programs.model_server("balanced", 2) as server, programs.gateway([server]) as door:
        async with open_session() as session:
            await closed(session, through(door, image), count=2, clients=2)
            before = door.cpu_seconds, server.cpu_seconds
            outcome = await closed(session, through(door, image), count=sizes.real, clients=4)
            spent = door.cpu_seconds - before[0], server.cpu_seconds - before[1]
    _all_answered(outcome)
    return [Row("gateway's share of the CPU time", 100 * spent[0] / sum(spent), "%", "< 5")]


async def empty_pipeline(sizes: Sizes) -> list[Row]:
    """Requests a second when reading costs nothing; the client is on the same cores."""
    async with _pair() as (session, door):
        outcome = await closed(session, through(door, page()), count=sizes.empty, clients=32)
    _all_answered(outcome)
    return [Row("requests with an empty pipeline", outcome.per_second, "/s")]


async def slow_clients(sizes: Sizes) -> list[Row]:
    """20 clients alone, then beside 200 that take 8 s to send their body."""
    async with _pair() as (session, door):
        shot = through(door, page())
        alone = await closed(session, shot, count=sizes.paired * 2, clients=FAST)
        over = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            for _ in range(SLOW):
                group.create_task(slowly(session, shot, SLOW_PAUSE, over))
            await asyncio.sleep(SLOW_PAUSE)
            beside = await closed(session, shot, count=sizes.paired * 2, clients=FAST)
            over.set()
    _all_answered(alone)
    _all_answered(beside)
    ratio = beside.percentile(0.99) / alone.percentile(0.99)
    return [Row("p99 beside 200 slow clients against alone", ratio, "x", "< 1.5")]


async def memory(sizes: Sizes) -> list[Row]:
    """Resident memory after a tenth of the requests and after all."""
    async with _pair() as (session, door):
        shot, tenth = through(door, page(noise=True)), sizes.flat // 10
        _all_answered(await closed(session, shot, count=tenth, clients=8))
        early = door.rss_mib
        _all_answered(await closed(session, shot, count=sizes.flat - tenth, clients=8))
        late = door.rss_mib
    return [
        Row(f"memory after {tenth} requests", early, "MiB"),
        Row(f"memory after {sizes.flat} requests", late, "MiB", "flat"),
    ]


MEASURES: tuple[Measure, ...] = (added_time, share_of_processor, empty_pipeline, slow_clients, memory)


@asynccontextmanager
async def open_session() -> AsyncIterator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=4)
    async with aiohttp.ClientSession(connector=connector, skip_auto_headers=("Accept-Encoding",)) as session:
        yield session


@asynccontextmanager
async def _pair() -> AsyncIterator[tuple[aiohttp.ClientSession, Program]]:
    """A client and a gateway in front of two model servers with empty pipelines."""
    with programs.empty_servers(2) as servers, programs.gateway(servers) as door:
        async with open_session() as session:
            yield session, door


def _all_answered(outcome: Outcome) -> None:
    assert set(outcome.statuses) == {200}, f"refused or failed: {outcome.statuses}"
