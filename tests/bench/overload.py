"""`python -m tests.bench.overload`: gateway and model server at 80 % and at 200 % of what they can take.

Open loop: pages are sent at random times (Poisson), whether earlier ones are answered or not, as callers that
know nothing of each other do.
"""

import argparse
import asyncio
import json
import random
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import cycle
from pathlib import Path

import aiohttp

from tests.bench.gateway import programs
from tests.bench.gateway.load import Shot, percentile, send
from tests.bench.gateway.programs import Program
from tests.bench.gateway.shots import through
from tests.support.drawing import encoded, lines, page

_OK, _FULL = 200, 503
_LINES = (3, 6, 10, 16, 24, 36)
_CLIENTS_PER_THREAD = 2


@dataclass(frozen=True, slots=True)
class Load:
    """What became of the pages sent at one rate; rates a second, times in seconds."""

    name: str
    offered: float
    goodput: float
    accepted: int
    refused: int
    other: int
    p50: float
    p99: float
    refusal_p99: float


@dataclass(frozen=True, slots=True)
class Figures:
    """All that is measured; `idle_cores` is what both programs use while nothing comes."""

    idle_cores: float
    capacity: float
    loads: tuple[Load, ...]

    def markdown(self) -> str:
        """A table, and what follows from it."""
        rows = [
            f"| {load.name} | {load.offered:.2f} | {load.goodput:.2f} | {load.accepted} | {load.refused}"
            f" | {load.other} | {load.p50:.2f} | {load.p99:.2f} | {1000 * load.refusal_p99:.0f} ms |"
            for load in self.loads
        ]
        low, high = self.loads
        return "\n".join(
            [
                "| load | sent/s | read/s | read | 503 | other | p50 s | p99 s | 503 within (p99) |",
                "|---|---|---|---|---|---|---|---|---|",
                *rows,
                "",
                f"Capacity {self.capacity:.2f} pages/s, idle {self.idle_cores:.2%} of a core. At twice"
                f" the load p99 is {high.p99 / low.p99:.2f} times that at 80 %,"
                f" goodput {high.goodput / self.capacity:.0%} of the capacity.",
            ]
        )


def drawn(door: Program) -> list[Shot]:
    """Pages of a few lines up to a full one."""
    images = (
        page([lines(count, 8, 3 * count)], size=22, width=1100, height=120 + 36 * count) for count in _LINES
    )
    return [through(door, encoded(image)) for image in images]


async def saturate(
    session: aiohttp.ClientSession, shots: Sequence[Shot], clients: int, seconds: float
) -> float:
    """Pages a second with so many clients that each send the next page when they have their answer."""
    endless, done, start = cycle(shots), 0, time.perf_counter()

    async def client() -> int:
        answered = 0
        while time.perf_counter() - start < seconds:
            answered += (await send(session, next(endless)))[0] == _OK
        return answered

    done = sum(await asyncio.gather(*(client() for _ in range(clients))))
    return done / (time.perf_counter() - start)


async def open_loop(
    session: aiohttp.ClientSession, shots: Sequence[Shot], name: str, rate: float, seconds: float
) -> Load:
    """So many pages a second on average, at random times."""
    rng = random.Random(1)  # noqa: S311 - the same load each time
    start, due, sent = time.perf_counter(), 0.0, []
    while (due := due + rng.expovariate(rate)) < seconds:
        await asyncio.sleep(start + due - time.perf_counter())
        sent.append(asyncio.create_task(send(session, rng.choice(shots))))
    answers = await asyncio.gather(*sent)
    took = time.perf_counter() - start
    times = {status: tuple(t for s, t in answers if s == status) for status in (_OK, _FULL)}
    return Load(
        name=name,
        offered=len(answers) / seconds,
        goodput=len(times[_OK]) / took,
        accepted=len(times[_OK]),
        refused=len(times[_FULL]),
        other=len(answers) - len(times[_OK]) - len(times[_FULL]),
        p50=percentile(times[_OK], 0.5),
        p99=percentile(times[_OK], 0.99),
        refusal_p99=percentile(times[_FULL], 0.99) if times[_FULL] else 0.0,
    )


async def idle_cores(both: Sequence[Program], seconds: float) -> float:
    """The cores that the programs use while nothing comes."""
    before = sum(program.cpu_seconds for program in both)
    await asyncio.sleep(seconds)
    return (sum(program.cpu_seconds for program in both) - before) / seconds


async def measure(model: str, threads: int, seconds: float) -> Figures:
    """Idle, capacity, and the two loads, each for so many seconds."""
    with programs.model_server(model, threads) as server, programs.gateway([server]) as door:
        shots = drawn(door)
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            idle = await idle_cores((server, door), seconds / 3)
            capacity = await saturate(session, shots, _CLIENTS_PER_THREAD * threads, seconds)
            low = await open_loop(session, shots, "80 %", 0.8 * capacity, seconds)
            high = await open_loop(session, shots, "200 %", 2 * capacity, seconds)
    return Figures(idle, capacity, (low, high))


def main() -> None:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(prog="tests.bench.overload", description=__doc__)
    add = parser.add_argument
    add("--model", default="balanced", metavar="NAME", help="profile (%(default)s)")
    add("--threads", type=int, default=2, metavar="N", help="of the model server (%(default)s)")
    add("--seconds", type=float, default=45.0, metavar="N", help="of each load (%(default)s)")
    add("--out", type=Path, metavar="FILE", help="where the figures go as JSON")
    options = parser.parse_args()
    figures = asyncio.run(measure(options.model, options.threads, options.seconds))
    print(figures.markdown())
    if options.out:
        options.out.write_text(json.dumps(asdict(figures), indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
