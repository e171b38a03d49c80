"""One fleet through its life: made at once, left alone, its operator restarted, edited, robbed, deleted."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

from ocr_operator.cluster.kube.access import Access
from ocr_operator.models.manifest import CHILD_KINDS, OCR_SERVICE, OPTIONAL_KINDS, Kind, Ref
from ocr_operator.models.service import Key
from tests.bench.fleet.audit import Audit
from tests.bench.fleet.client import LIMIT_SECONDS, Client, Seen, eventually
from tests.bench.fleet.telemetry import Telemetry
from tests.bench.fleet.world import World, usage, world
from tests.bench.machine import commit, processor
from tests.cluster.gobuild import say
from tests.cluster.processes import wait_for
from tests.support.process import Running

PER_NAMESPACE: Final = 20
PODS: Final = 4
# An edit adds a pod to each service, and a deleted Deployment's pods go while the new ones come.
PODS_AT_MOST: Final = 2 * (PODS + 1)
SCRAPE_SECONDS: Final = 30.0
IDLE_SECONDS: Final = 5.0
KINDS: Final = tuple(kind for kind in CHILD_KINDS if kind not in OPTIONAL_KINDS)


@dataclass(frozen=True, slots=True)
class Wave:
    """Something done to all services at once, and what it took until all were Ready and at rest.

    Times in seconds; calls are the operator's, and CPU seconds those of each program, for all services
    together.
    """

    seconds: float
    reconciles: float
    p50: float
    p99: float
    lag_p99: float
    cpu_seconds: dict[str, float]
    reads: int
    writes: int
    calls: dict[str, int]


@dataclass(frozen=True, slots=True)
class Rest:
    """A while in which nobody does anything, while Prometheus scrapes. Memory in MiB."""

    seconds: float
    cpu_percent: float
    reads: int
    writes: int
    lag_p99: float
    pss_mib: float
    rss_mib: float


@dataclass(frozen=True, slots=True)
class Failover:
    """From the leader's end, in order or by kill -9, until the other one leads."""

    killed: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything about a number of services, with the commit and on what processor."""

    services: int
    commit: str
    processor: str
    idle_rss_mib: float
    peak_rss_mib: float
    create: Wave
    rest: Rest
    restart: Wave
    edit: Wave
    repair: Wave
    delete_seconds: float
    watch_restarts: float


Found = TypeVar("Found", Wave, Rest, float)
OPERATOR: Final = "operator"


class Fleet:
    """Services in a world, and the operator that is measured."""

    def __init__(self, world: World, client: Client, count: int) -> None:
        """Start the operator; no service is made yet."""
        self._world = world
        self._client = client
        self._keys = [Key(f"team-{n // PER_NAMESPACE}", f"service-{n}") for n in range(count)]
        self._audit: Audit = world.audit
        # Objects of each kind: before the first service, and with all services.
        self._none: dict[Kind, int] = {}
        self._all: dict[Kind, int] = {}
        self.operator: Running = world.operator().ready()

    async def measure(self, rest_seconds: float) -> Figures:
        """All of it, in order."""
        await self.idle()
        idle = usage(self.operator).rss_mib
        create = self._say("create", await self.create())
        rest = self._say("rest", await self.rest(rest_seconds))
        peak, restarts = self._ending()
        restart = self._say("restart", await self.restart())
        edit = self._say("edit", await self.edit())
        repair = self._say("repair", await self.repair())
        later_peak, later_restarts = self._ending()
        return Figures(
            services=len(self._keys),
            commit=commit(),
            processor=processor(),
            idle_rss_mib=idle,
            peak_rss_mib=max(peak, later_peak),
            create=create,
            rest=rest,
            restart=restart,
            edit=edit,
            repair=repair,
            delete_seconds=self._say("delete", await self.delete()),
            watch_restarts=restarts + later_restarts,
        )

    def _say(self, name: str, found: Found) -> Found:
        say(f"{len(self._keys)} services, {name}: {found}")
        return found

    def _ending(self) -> tuple[float, float]:
        return usage(self.operator).peak_rss_mib, Telemetry.of(self.operator).sum("watch_restarts_total")

    async def create(self) -> Wave:
        """All services at once."""
        await self._client.create_namespaces({key.namespace: None for key in self._keys})
        self._none = await self._count()
        wave = await self._wave(self._client.create(self._keys), self._settled(generation=1))
        self._all = await self._count()
        return wave

    async def _count(self) -> dict[Kind, int]:
        return {kind: await self._client.count(kind) for kind in KINDS}

    def _has(self, children: dict[Kind, int]) -> Callable[[], Awaitable[bool]]:
        async def check() -> bool:
            return await self._count() == children

        return check

    async def edit(self) -> Wave:
        """A third model server for all services at once."""
        edit = self._client.edit(self._keys, {"modelServer": {"replicas": 3}})
        return await self._wave(edit, self._settled(generation=2))

    async def repair(self) -> Wave:
        """Every third child is deleted, whatever its kind; until all are there again."""
        children = [ref for kind in KINDS for ref in await self._client.owned(kind)]
        return await self._wave(self._client.delete(children[::3]), eventually(self._has(self._all)))

    async def delete(self) -> float:
        """All services at once; seconds until no child is left."""
        started = time.monotonic()
        await self._client.delete(Ref(OCR_SERVICE, *key) for key in self._keys)
        await eventually(self._has(self._none))
        return time.monotonic() - started

    async def restart(self) -> Wave:
        """The operator is ended and started; from its start until it has looked at every service."""
        self.operator.stop()
        self._audit.calls()
        cpu, started = {**self._world.cpu_seconds(), OPERATOR: 0.0}, time.monotonic()
        self.operator = self._world.operator().ready()

        async def swept() -> bool:
            return Telemetry.of(self.operator).sum("reconcile_total") >= len(self._keys)

        await eventually(swept)
        seconds = time.monotonic() - started
        await self.idle()
        return self._told(seconds, Telemetry({}), cpu)

    async def rest(self, seconds: float) -> Rest:
        """Nobody does anything; Prometheus scrapes."""
        self._audit.calls()
        before, cpu, ends = Telemetry.of(self.operator), usage(self.operator).cpu_seconds, seconds
        while ends > 0:
            await asyncio.sleep(min(SCRAPE_SECONDS, ends))
            ends -= SCRAPE_SECONDS
            now = Telemetry.of(self.operator)
        calls, used = self._audit.calls(), usage(self.operator)
        return Rest(
            seconds=seconds,
            cpu_percent=100 * (used.cpu_seconds - cpu) / seconds,
            reads=calls.reads,
            writes=calls.writes,
            lag_p99=(now - before).quantile("event_loop_lag_seconds", 0.99),
            pss_mib=used.pss_mib,
            rss_mib=used.rss_mib,
        )

    async def idle(self) -> None:
        """Return once no reconcile has ended for a while and none waits."""
        last = -1.0
        while True:
            now = Telemetry.of(self.operator)
            if now.sum("reconcile_total") == last and now.sum("queue_depth") == 0:
                return
            last = now.sum("reconcile_total")
            await asyncio.sleep(IDLE_SECONDS)

    async def _wave(self, begin: Awaitable[None], end: Awaitable[None]) -> Wave:
        self._audit.calls()
        before, cpu = Telemetry.of(self.operator), self._cpu_seconds()
        started = time.monotonic()
        await begin
        await end
        seconds = time.monotonic() - started
        await self.idle()
        return self._told(seconds, before, cpu)

    def _told(self, seconds: float, before: Telemetry, cpu: Mapping[str, float]) -> Wave:
        change, calls = Telemetry.of(self.operator) - before, self._audit.calls()
        return Wave(
            seconds=seconds,
            reconciles=change.sum("reconcile_total"),
            p50=change.quantile("reconcile_duration_seconds", 0.5),
            p99=change.quantile("reconcile_duration_seconds", 0.99),
            lag_p99=change.quantile("event_loop_lag_seconds", 0.99),
            cpu_seconds={name: used - cpu[name] for name, used in self._cpu_seconds().items()},
            reads=calls.reads,
            writes=calls.writes,
            calls={f"{call.verb} {call.resource}": count for call, count in calls.counts.most_common()},
        )

    def _cpu_seconds(self) -> dict[str, float]:
        return {OPERATOR: usage(self.operator).cpu_seconds, **self._world.cpu_seconds()}

    async def _settled(self, *, generation: int) -> None:
        def check(services: dict[str, Seen]) -> bool:
            done = [each for each in services.values() if each.settled and each.generation == generation]
            return len(done) == len(self._keys)

        await self._client.until(check)


@asynccontextmanager
async def fleet(count: int) -> AsyncIterator[Fleet]:
    """A fresh cluster with an operator, for so many services."""
    with world(count * PODS_AT_MOST) as made:
        access = await Access.load(made.control_plane.kubeconfig)
        async with access.session() as session:
            client = Client(access, session)
            following = asyncio.create_task(client.follow())
            fleet = Fleet(made, client, count)
            try:
                yield fleet
            finally:
                following.cancel()
                await asyncio.gather(following, return_exceptions=True)
                fleet.operator.kill()


def failover(repeats: int) -> list[Failover]:
    """Two operators: the leader is killed, or ended in order; seconds until the other leads."""
    found = list[Failover]()
    with world(0) as made:
        leader, other = made.operator("operator-0"), made.operator("operator-1")
        for number in range(2 * repeats):
            leader, other = _by_role(leader.ready(), other.ready())
            killed = number % 2 == 0
            started = time.monotonic()
            leader.signal(signal.SIGKILL if killed else signal.SIGTERM)
            wait_for("the other leads", partial(_leads, other), LIMIT_SECONDS)
            found.append(Failover(killed=killed, seconds=time.monotonic() - started))
            leader.ended()
            leader, other = other, made.operator(f"operator-{number + 2}")
        for each in (leader, other):
            each.kill()
    return found


def _by_role(one: Running, two: Running) -> tuple[Running, Running]:
    wait_for("one of the two leads", lambda: _leads(one) or _leads(two), LIMIT_SECONDS)
    return (one, two) if _leads(one) else (two, one)


def _leads(operator: Running) -> bool:
    return operator.metric("ocr_operator_leader") == 1
