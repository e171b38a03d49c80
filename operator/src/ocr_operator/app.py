"""The operator in a cluster: its parts built once, started in order and ended in order."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version as distribution_version
from typing import Any, Final

from aiohttp import web

from ocr_operator.cluster.kube.access import Access, AccessError
from ocr_operator.cluster.kube.cluster import KubeCluster
from ocr_operator.cluster.kube.discovery import KEPT_SECONDS, Discovery
from ocr_operator.cluster.kube.events import Recorder
from ocr_operator.cluster.kube.http import Http
from ocr_operator.cluster.kube.lease import LEASE, Election, LostLeaseError
from ocr_operator.cluster.kube.objects import ObjectId, concerned
from ocr_operator.cluster.kube.preflight import Fields, Preflight
from ocr_operator.cluster.kube.scrape import scrape
from ocr_operator.cluster.port import ClusterError
from ocr_operator.config import LEASE_NAME, Config
from ocr_operator.models.manifest import CHILD_KINDS, OCR_SERVICE, OPTIONAL_KINDS, OWN_KINDS, Kind, Ref
from ocr_operator.models.names import MANAGED_BY_LABEL, MANAGER
from ocr_operator.models.service import Key
from ocr_operator.reconcile import Reconciler
from ocr_operator.runtime import health
from ocr_operator.runtime.fleet import Fleet
from ocr_operator.runtime.freshness import Freshness
from ocr_operator.runtime.lag import measure_lag
from ocr_operator.runtime.metrics import CONTENT_TYPE, Metrics
from ocr_operator.runtime.profiles import Profiles
from ocr_operator.runtime.queue import WorkQueue, loop_time
from ocr_operator.runtime.resync import Resync
from ocr_operator.runtime.workers import Workers
from ocr_operator.watches import Host, Watches, WatchesEndedError

# A key may wait so long while no worker takes any, and a sweep may be late by so much.
STALLED_SECONDS: Final = 300.0
END_SECONDS: Final = 5.0
logger = logging.getLogger(__name__)


class StartError(Exception):
    """The operator can't start; the message is one line that says what to change."""


@dataclass(frozen=True)
class Parts:
    """What every part of the operator is made of."""

    config: Config
    access: Access
    metrics: Metrics
    health: health.Health
    http: Http
    discovery: Discovery
    stop: asyncio.Event
    now: Callable[[], datetime]


def _now() -> datetime:
    return datetime.now(UTC)


def main(config: Config, version: str, now: Callable[[], datetime] = _now) -> int:
    """Run the operator; the exit status. What it can't live with is one line of the log.

    `now` is the clock on the wall; how long something takes is measured by another one.
    """
    return asyncio.run(_run(config, version, now))


async def _run(config: Config, version: str, now: Callable[[], datetime]) -> int:
    status = 0
    try:
        await run(config, version, now)
    except (StartError, LostLeaseError, WatchesEndedError) as error:
        logger.critical("%s", error)
        status = 1
    # Tasks that kopf left behind and that don't end can't keep the process: the next one must start.
    asyncio.get_running_loop().call_later(END_SECONDS, os._exit, status)
    return status


async def run(config: Config, version: str, now: Callable[[], datetime] = _now) -> None:
    """Run until SIGTERM or SIGINT. Raises StartError, LostLeaseError or WatchesEndedError."""
    stop = asyncio.Event()
    _take_signals(stop)
    metrics = Metrics(version=version, kopf_version=distribution_version("kopf"))
    try:
        access = await Access.load(config.kubeconfig)
    except AccessError as error:
        raise StartError(f"no access to a cluster: {error}") from error
    async with AsyncExitStack() as stack:
        http = Http(access, metrics.requested)
        stack.push_async_callback(http.close)
        discovery = Discovery(http, loop_time)
        parts = Parts(config, access, metrics, health.Health(), http, discovery, stop, now)
        await _until(stop, _Operator(parts, version).run())


async def _until(stop: asyncio.Event, work: Coroutine[Any, Any, None]) -> None:
    """Let the work run to its end or, once `stop` is set, cancel it and wait."""
    task, asked = asyncio.create_task(work), asyncio.create_task(stop.wait())
    await asyncio.wait((task, asked), return_when=asyncio.FIRST_COMPLETED)
    asked.cancel()
    if stop.is_set():
        logger.info("asked to end")
        task.cancel()
    with suppress(asyncio.CancelledError):
        await task


class _Operator:
    """One process: preflight, lease, then workers, resync and watches until the end."""

    def __init__(self, parts: Parts, version: str) -> None:
        self._parts = parts
        config, metrics = parts.config, parts.metrics
        self._problem: str | None = "starting"
        self._queue: WorkQueue[Key] = WorkQueue(on_wait=metrics.waited)
        self._freshness: Freshness[ObjectId] = Freshness()
        recorder = Recorder(parts.http, instance=config.identity, now=parts.now)
        self._cluster = KubeCluster(parts.http, parts.discovery, recorder, config.namespaces)
        self._fleet = Fleet(self._queue.add)
        self._profiles = Profiles()
        self._resync: Resync[Key] = Resync(
            self._queue, self._sweep, period_seconds=config.resync_seconds, foreseen=ClusterError
        )
        self._workers = Workers(
            queue=self._queue,
            reconcile=Reconciler(
                self._cluster,
                scrape,
                config.operands,
                version,
                parts.now,
                metrics,
                self._fleet,
                self._profiles,
            ),
            retry_after=lambda error: error.retry_after if isinstance(error, ClusterError) else None,
            on_result=metrics.reconciled,
            count=config.workers,
        )
        watches = Watches(self._queue, metrics, self._freshness, self._profiles)
        self._host = Host(
            watches,
            parts.access,
            config.namespaces,
            reclaim=lambda: _take_signals(parts.stop),
            # The kinds are looked at so often, and an answer about them is so old at most.
            patience_seconds=2 * (config.discovery_seconds + KEPT_SECONDS),
        )
        # The schemas of our CRDs, and the kinds that the cluster serves.
        self._seen: tuple[Fields, frozenset[Kind]] | None = None
        self._preflight = Preflight(parts.http, parts.discovery, config.namespaces)
        metrics.follow_queue(lambda: len(self._queue))
        metrics.leading(0)

    async def run(self) -> None:
        """Work until cancelled."""
        parts = self._parts
        parts.health.ready["start"] = lambda: self._problem
        async with AsyncExitStack() as stack:
            stack.callback(self._queue.close)
            server = await self._serve()
            stack.push_async_callback(server.cleanup)
            background = [asyncio.create_task(measure_lag(parts.metrics.lagged))]
            stack.push_async_callback(_cancel, background)
            await self._prepare()
            lease = await stack.enter_async_context(AsyncExitStack())
            if parts.config.leader_elect:
                election = self._election()
                await election.acquire()
                lease.push_async_callback(_release, election)
                background.append(asyncio.create_task(election.keep()))
            await self._lead(background, server, lease)

    async def _serve(self) -> web.AppRunner:
        config = self._parts.config
        app = health.create_app(self._parts.health, self._parts.metrics.expose, CONTENT_TYPE)
        try:
            return await health.serve(app, config.health_host, config.health_port)
        except OSError as error:
            raise StartError(f"--health-port {config.health_port}: {error.strerror or error}") from error

    async def _prepare(self) -> None:
        """Return when the cluster has all that is needed; until then say what is missing, and try again."""
        config = self._parts.config
        said: str | None = None
        while True:
            try:
                self._problem = await self._preflight.problem(await self._preflight.fields())
            except ClusterError as error:
                self._problem = f"the cluster can't be read: {error}"
            if self._problem is None:
                return
            if self._problem != said:
                logger.error("%s", self._problem)
                said = self._problem
            await asyncio.sleep(config.discovery_seconds)

    async def _lead(
        self, background: list[asyncio.Task[None]], server: web.AppRunner, lease: AsyncExitStack
    ) -> None:
        self._parts.metrics.leading(1)
        self._watch_over()
        work = (self._workers.run(), self._resync.run(), self._follow_kinds())
        background.extend(asyncio.create_task(each) for each in work)
        # The last one made, see Host.
        watching = asyncio.create_task(self._host.run())
        try:
            done, _ = await asyncio.wait((*background, watching), return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            self._parts.metrics.leading(0)
            # No write any more, so the next may lead; and no connection of a client that kopf would wait for.
            await _cancel(background)
            await lease.aclose()
            await server.cleanup()
            self._host.stop()
            await watching

    def _watch_over(self) -> None:
        alive, config = self._parts.health.alive, self._parts.config
        alive["queue"] = health.limit(
            self._queue.stalled_seconds, STALLED_SECONDS, "no worker has taken a service that waits"
        )
        alive["watches"] = health.limit(
            self._freshness.behind_seconds, config.stale_seconds, "a watch has not told a change"
        )
        alive["resync"] = health.limit(
            self._resync.overdue_seconds, 2 * config.resync_seconds, "the list of services is overdue"
        )

    async def _sweep(self) -> dict[Key, bool]:
        """All services that there are or that we have shown; True for news of it that no watch told."""
        selections = [(kind, dict[str, str]()) for kind in OWN_KINDS]
        selections += [(kind, {MANAGED_BY_LABEL: MANAGER}) for kind in CHILD_KINDS]
        listings = [await self._cluster.list_versions(kind, labels) for kind, labels in selections]
        versions = dict(item for listing in listings for item in listing.items)
        oldest = min((each.version for each in listings if each.version), default=0)
        untold = self._freshness.expect(versions, at=oldest)
        found = {Key(each.namespace, each.name) for each in versions if each.plural == OCR_SERVICE.plural}
        self._fleet.expect(found)
        due = concerned(untold, self._profiles.users)
        return {key: key in due or key not in found for key in found.union(self._parts.metrics.known())}

    async def _kinds(self) -> frozenset[Kind]:
        """What there is to watch: a kind of Kubernetes itself is always there."""
        custom = (*OWN_KINDS, *OPTIONAL_KINDS)
        lacking = [kind for kind in custom if not await self._cluster.serves(kind)]
        return frozenset((*OWN_KINDS, *CHILD_KINDS)).difference(lacking)

    async def _follow_kinds(self) -> None:
        """When a CRD comes, changes or goes, watch what there is now and look at every service."""
        while True:
            try:
                await self._look_at_kinds()
            except ClusterError as error:
                logger.warning("the kinds of the cluster are not known: %s", error)
            await asyncio.sleep(self._parts.config.discovery_seconds)

    async def _look_at_kinds(self) -> None:
        """No event tells of a CRD of ours that was replaced: an older one drops what we write."""
        seen = await self._preflight.fields(), await self._kinds()
        if seen == self._seen and self._problem is None:
            return
        # A problem may end without a sign, as a role that lacked a right.
        problem = await self._preflight.problem(seen[0])
        if problem and problem != self._problem:
            logger.error("%s", problem)
        self._problem = problem
        if seen == self._seen:
            return
        before, self._seen = self._seen, seen
        _, served = seen
        if before is None or served != before[1]:
            logger.info("the cluster serves %s", ", ".join(sorted(kind.kind for kind in served)))
            self._host.watch(served)
        if before is not None:
            self._resync.request()

    def _election(self) -> Election:
        config = self._parts.config
        lease = Ref(LEASE, config.lease_namespace, LEASE_NAME)
        return Election(
            self._parts.http,
            lease,
            identity=config.identity,
            monotonic=loop_time,
            now=self._parts.now,
            timing=config.lease_timing,
        )


async def _release(election: Election) -> None:
    try:
        await election.release()
    except ClusterError as error:
        logger.warning("the lease was not released: %s", error)


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _take_signals(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
