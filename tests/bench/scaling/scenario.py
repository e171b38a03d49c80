"""What is simulated, and what came of it."""

import asyncio
import itertools
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from kubeocr.retries import Retries
from ocr_operator.models.autoscaling import ScalingBehavior
from tests.bench.gateway.load import percentile
from tests.bench.scaling.autoscaler import Aim, Autoscaler
from tests.bench.scaling.clock import VirtualLoop
from tests.bench.scaling.world import Fleet, Gateway, Page

LOOK_SECONDS = 5.0
ONCE = Retries(attempts=1)


@dataclass(frozen=True)
class Phase:
    """So many pages a second on average, at random times, for so many seconds."""

    per_second: float
    seconds: float


@dataclass(frozen=True)
class Scenario:
    """`pages`: seconds of a thread that pages take, to draw from; `request_seconds`: a gateway's for one."""

    name: str
    servers: int
    gateways: int
    threads: int
    pages: Sequence[float]
    request_seconds: float
    phases: tuple[Phase, ...]
    retries: Retries = ONCE
    aim: Aim | None = None


@dataclass(frozen=True)
class Look:
    """The service at one moment."""

    at: float
    servers: int
    waiting: int


@dataclass(frozen=True)
class Story:
    """All pages, by the phase in which they came first, and looks at the service."""

    scenario: Scenario
    phases: tuple[tuple[Page, ...], ...]
    looks: tuple[Look, ...]
    ended: float = field(default=0.0)


@dataclass(frozen=True)
class Verdict:
    """Of some pages: how long the answered ones took, and how many were refused for good."""

    sent: int
    answered: int
    calls: int
    p50: float
    p99: float


def verdict(pages: Sequence[Page]) -> Verdict:
    """What clients saw."""
    times = tuple(page.seconds for page in pages if page.answered is not None)
    return Verdict(
        sent=len(pages),
        answered=len(times),
        calls=sum(page.calls for page in pages),
        p50=percentile(times, 0.5) if times else math.nan,
        p99=percentile(times, 0.99) if times else math.nan,
    )


def play(scenario: Scenario, seed: int = 1) -> Story:
    """Simulate it; the same seed gives the same story."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(_play(scenario, seed))


async def _play(scenario: Scenario, seed: int) -> Story:
    random.seed(seed)  # the client's pauses draw from the module's
    fleet = Fleet(scenario.threads)
    fleet.gateways += [
        Gateway(fleet.network, scenario.request_seconds, random.Random(seed + number))  # noqa: S311
        for number in range(scenario.gateways)
    ]
    fleet.resize(scenario.servers)
    looks: list[Look] = []
    background = [asyncio.create_task(fleet.keep_discovering()), asyncio.create_task(_look(fleet, looks))]
    if scenario.aim:
        scaler = Autoscaler(fleet, scenario.aim, ScalingBehavior())
        background.append(asyncio.create_task(scaler.run()))
    borders = await _send(fleet, scenario, random.Random(seed))  # noqa: S311
    for task in background:
        task.cancel()
    await asyncio.gather(*background, return_exceptions=True)
    edges = [0, *borders]
    parts = tuple(tuple(fleet.pages[a:b]) for a, b in itertools.pairwise(edges))
    return Story(scenario, parts, tuple(looks), asyncio.get_running_loop().time())


async def _send(fleet: Fleet, scenario: Scenario, rng: random.Random) -> list[int]:
    """All phases, and on until the last page has its answer; how many pages had come at each phase's end."""
    loop, sent = asyncio.get_running_loop(), set[asyncio.Task[None]]()
    due = loop.time()
    borders, number = [], 0
    for phase in scenario.phases:
        end = due + phase.seconds
        while (due := due + rng.expovariate(phase.per_second)) < end:
            await asyncio.sleep(due - loop.time())
            number += 1
            task = asyncio.create_task(fleet.send(rng.choice(scenario.pages), number, scenario.retries, rng))
            sent.add(task)
            task.add_done_callback(sent.discard)
        due = end
        await asyncio.sleep(end - loop.time())
        borders.append(len(fleet.pages))
    await asyncio.gather(*sent)
    return borders


async def _look(fleet: Fleet, looks: list[Look]) -> None:
    loop = asyncio.get_running_loop()
    while True:
        looks.append(Look(loop.time(), len(fleet.servers), fleet.waiting))
        await asyncio.sleep(LOOK_SECONDS)
