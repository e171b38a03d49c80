"""Whatever happens and whatever events tell of it, after a resync the cluster is what the spec says."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocr_operator.cluster.kube.access import Access
from ocr_operator.cluster.kube.cluster import KubeCluster
from ocr_operator.cluster.kube.discovery import Discovery
from ocr_operator.cluster.kube.events import Recorder
from ocr_operator.cluster.kube.http import Http
from ocr_operator.cluster.kube.scrape import scrape
from ocr_operator.cluster.port import ClusterError
from ocr_operator.config import load_operands
from ocr_operator.models.manifest import (
    DEPLOYMENT,
    OCR_SERVICE,
    POD_DISRUPTION_BUDGET,
    SERVICE,
    controlled_by,
)
from ocr_operator.models.service import Key
from ocr_operator.reconcile import Outcome, Reconciler
from ocr_operator.runtime.fleet import Fleet
from ocr_operator.runtime.metrics import Metrics
from ocr_operator.runtime.profiles import Profiles
from ocr_operator.runtime.queue import WorkQueue, loop_time
from ocr_operator.runtime.workers import Workers
from ocr_operator.watches import is_echo
from tests.cluster.controlplane import ControlPlane
from tests.cluster.fixtures import new_namespace
from tests.support.api import Api, eventually
from tests.support.faultproxy import FaultProxy
from tests.support.process import OPERANDS

NOW = datetime(2026, 1, 1, tzinfo=UTC)

specs = st.fixed_dictionaries(
    {},
    optional={
        "suspend": st.booleans(),
        "gateway": st.fixed_dictionaries({}, optional={"replicas": st.integers(0, 3) | st.none()}),
        "modelServer": st.fixed_dictionaries({}, optional={"replicas": st.integers(0, 3) | st.none()}),
        "expose": st.just({"service": {"port": 8080}}) | st.none(),
    },
)
children = st.sampled_from([DEPLOYMENT, SERVICE, POD_DISRUPTION_BUDGET])
components = st.sampled_from(["gateway", "model-server"])
steps = st.lists(
    st.one_of(
        st.tuples(st.just("edit"), specs),
        st.tuples(st.just("delete"), children, components),
        st.tuples(st.just("drift"), children, components),
        st.tuples(st.just("recreate")),
        # What reaches the queue of what has happened: nothing, once, several times, at any moment.
        st.tuples(st.just("tell"), st.integers(0, 3)),
        st.tuples(st.just("work")),
        st.tuples(st.just("crash")),
    ),
    max_size=10,
)


class World:
    """The operator's inner half, over the real apiserver; events come only as the test tells them."""

    def __init__(self, kubeconfig: Path, kube: Api, name: str) -> None:
        self._kubeconfig = kubeconfig
        self._kube = kube
        self._name = name
        self._key = Key(kube.namespace, name)
        self._busy = 0

    async def live_through(self, story: Sequence[tuple[Any, ...]]) -> None:
        """Play the story, then resync until nothing is left to do."""
        http = Http(await Access.load(self._kubeconfig), lambda *_: None)
        cluster = KubeCluster(
            http,
            Discovery(http, loop_time),
            Recorder(http, instance="test", now=lambda: NOW),
            (self._kube.namespace,),
        )
        metrics = Metrics(version="0", kopf_version="0")
        operands, fleet = load_operands(OPERANDS), Fleet(lambda _: None)
        reconciler = Reconciler(cluster, scrape, operands, "0.1.0", lambda: NOW, metrics, fleet, Profiles())

        async def reconcile(key: Key) -> Outcome:
            self._busy += 1
            try:
                return await reconciler(key)
            finally:
                self._busy -= 1

        self._queue: WorkQueue[Key] = WorkQueue()
        workers = Workers(
            queue=self._queue,
            reconcile=reconcile,
            retry_after=lambda error: error.retry_after if isinstance(error, ClusterError) else None,
            on_result=lambda *_: None,
            count=2,
        )
        try:
            for step in story:
                await self._play(workers, *step)
            self._queue.add(self._key)
            await self._work(workers)
        finally:
            self._queue.close()
            await http.close()

    async def _play(self, workers: Workers[Key], what: str, *details: Any) -> None:
        match what:
            case "tell":
                for _ in range(details[0]):
                    self._tell()
            case "work":
                await self._work(workers)
            case "crash":
                await self._crash(workers)
            case _:
                self._happen(what, *details)

    def _happen(self, what: str, *details: Any) -> None:
        """What others do to the service and its children."""
        match what:
            case "edit":
                self._kube.patch(OCR_SERVICE, self._name, {"spec": details[0]})
            case "delete":
                self._change(*details, None)
            case "drift":
                self._change(*details, {"metadata": {"labels": {"app.kubernetes.io/part-of": "drift"}}})
            case "recreate":
                self._kube.delete(OCR_SERVICE, self._name)
                self._kube.create(self._name)

    def _change(self, kind: Any, component: str, body: dict[str, Any] | None) -> None:
        name = f"{self._name}-{component}"
        if self._kube.get(kind, name) is None:
            return
        if body is None:
            self._kube.delete(kind, name)
        else:
            self._kube.patch(kind, name, body)

    def _tell(self) -> None:
        """As a watch would: not of our own status writes."""
        body = self._kube.get(OCR_SERVICE, self._name)
        if body is not None and not is_echo(body):
            self._queue.add(self._key)

    async def _work(self, workers: Workers[Key]) -> None:
        """Let the workers do all that waits."""
        task = asyncio.create_task(workers.run())
        while len(self._queue) or self._busy:  # noqa: ASYNC110 - the queue has no event for being idle
            await asyncio.sleep(0.005)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def _crash(self, workers: Workers[Key]) -> None:
        """Begin the work and cut it off in the middle of whatever it does."""
        task = asyncio.create_task(workers.run())
        await asyncio.sleep(0.03)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def outcome(kube: Api, name: str) -> dict[str, Any]:
    """Children and status, without what differs between two namespaces and two moments."""
    found = kube.meaning(name)
    for child in found.values():
        child["metadata"].pop("namespace")
        for owner in child["metadata"]["ownerReferences"]:
            owner.pop("uid")
    status = kube.status(name)
    conditions = [
        {field: each[field] for field in ("type", "status", "reason")} for each in status["conditions"]
    ]
    return {"children": found, "conditions": conditions, "components": status.get("components")}


def orphaned(kube: Api, name: str) -> bool:
    """Whether the garbage collector has yet to take children of an owner that was deleted."""
    uid = (kube.get(OCR_SERVICE, name) or {})["metadata"]["uid"]
    return any(not controlled_by(child, uid) for child in kube.children(name).values())


@pytest.fixture
def clean(proxy: FaultProxy, operated: ControlPlane) -> Iterator[Api]:
    """A namespace where each service is reconciled in peace."""
    with new_namespace(operated.kubectl) as name:
        api = Api(proxy.url, name)
        yield api
        api.close()


def test_any_story_ends_as_its_last_spec_says(operated: ControlPlane, kube: Api, clean: Api) -> None:
    numbers = count()

    @settings(max_examples=15, derandomize=True, database=None)
    @given(story=steps)
    def check(story: list[tuple[Any, ...]]) -> None:
        name = f"s{next(numbers)}"
        kube.create(name)
        asyncio.run(World(operated.kubeconfig, kube, name).live_through(story))
        clean.create(name, (kube.get(OCR_SERVICE, name) or {})["spec"])
        eventually("collected", lambda: not orphaned(kube, name))
        eventually("the same as in peace", lambda: same(operated, (kube, clean), name))

    check()


def same(operated: ControlPlane, worlds: tuple[Api, Api], name: str) -> bool:
    """Resync both, and compare: the Deployments' controller takes its time."""
    for world in worlds:
        asyncio.run(World(operated.kubeconfig, world, name).live_through(()))
    messy, clean = (outcome(world, name) for world in worlds)
    return messy == clean
