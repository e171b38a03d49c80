"""The kubelet's role: one pod is one child process, probed, restarted with backoff, and reported as a Pod."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import aiohttp

from ocr_operator.cluster.local.processes import (
    LOOPBACK,
    Child,
    MissingProgramError,
    Place,
    environment,
    expand,
    free_port,
    localised,
    mounts,
)
from ocr_operator.cluster.local.store import Store, timestamp
from ocr_operator.cluster.port import Event
from ocr_operator.models.manifest import POD, Ref

KUBELET: Final = "kubelet"
# Kubernetes waits 10 s to 5 min; somebody watches this host.
BACKOFF_SECONDS: Final = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
# A program that ran so long has recovered: the next restart is prompt again.
STABLE_SECONDS: Final = 60.0
# How often a pod that is not ready yet is asked; a ready one is asked as its manifest says.
EAGER_SECONDS: Final = 0.2


# From a component to the command of its program; raises MissingProgramError.
Programs = Callable[[str], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Node:
    """What every pod of this host needs."""

    store: Store
    folder: Path
    http: aiohttp.ClientSession
    clock: Callable[[], datetime]
    programs: Programs

    def endpoints(self, namespace: str) -> Path:
        """Folder of the endpoint files of a namespace."""
        return self.folder / "endpoints" / namespace

    def secrets(self, namespace: str) -> Path:
        """Folder of the Secrets of a namespace, a folder each."""
        return self.folder / "secrets" / namespace


@dataclass(slots=True)
class _State:
    """What the Pod object shows."""

    container: dict[str, Any] = field(default_factory=dict)
    last: dict[str, Any] = field(default_factory=dict)
    restarts: int = 0
    ready: bool = False
    ready_since: str = ""
    terminating_since: str | None = None


class LocalPod:
    """One replica of a Deployment, from start to the end of its process."""

    def __init__(self, node: Node, ref: Ref, template: Mapping[str, Any], revision: str) -> None:
        self.ref = ref
        self.revision = revision
        self._node = node
        self._template = template
        self._container: Mapping[str, Any] = template["spec"]["containers"][0]
        self._port = 0
        self._state = _State(container=_waiting("ContainerCreating"), ready_since=self._now())
        self._ending = asyncio.Event()
        self._hurry: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._report()
        self._task = asyncio.create_task(self._run(), name=str(ref))

    @property
    def ready(self) -> bool:
        """Whether it may get requests."""
        return self._state.ready

    def end(self, *, within: float | None = None) -> asyncio.Task[None]:
        """End it in order: preStop's sleep, SIGTERM, grace period, SIGKILL. The task is done when it is gone.

        With `within`, it goes in a hurry: no preStop, SIGTERM, and so many seconds later SIGKILL.
        """
        if not self._ending.is_set():
            self._state.terminating_since = self._now()
            self._report()
            self._ending.set()
        if within is not None and not self._hurry.done():
            self._hurry.set_result(within)
        return self._task

    async def _run(self) -> None:
        failures = 0
        while not self._ending.is_set():
            began = asyncio.get_running_loop().time()
            await self._live_once()
            if asyncio.get_running_loop().time() - began > STABLE_SECONDS:
                failures = 0
            delay = BACKOFF_SECONDS[min(failures, len(BACKOFF_SECONDS) - 1)]
            failures += 1
            if delay and not self._ending.is_set():
                why = f"back-off {delay:.0f}s restarting failed container={self._container['name']}"
                self._show(_waiting("CrashLoopBackOff", why), ready=False)
            with suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await self._ending.wait()
            self._state.restarts += 1
        self._node.store.remove(self.ref)

    async def _live_once(self) -> None:
        """Start the program, probe it, and return when it has ended."""
        started = self._now()
        try:
            child = await self._start()
        except (OSError, ValueError, MissingProgramError) as error:  # ValueError: a NUL in a Secret's value
            self._show(_waiting("RunContainerError", str(error)), ready=False)
            return
        self._show({"running": {"startedAt": started}}, ready=False)
        helpers = [asyncio.create_task(task) for task in (self._probe(child), self._part(child))]
        try:
            code = await child.wait()
        finally:
            for task in helpers:
                task.cancel()
            await asyncio.wait(helpers)
        if not self._ending.is_set():
            self._announce(code, child.last_words())
        self._state.last = {
            "terminated": {
                "exitCode": code,
                "reason": "Error" if code else "Completed",
                "startedAt": started,
                "finishedAt": self._now(),
                **({"message": child.last_words()} if code else {}),
            }
        }
        self._show(self._state.last, ready=False)

    async def _start(self) -> Child:
        # A port for each run: one that somebody else took meanwhile must not fail the pod for ever.
        self._port = free_port()
        namespace = self.ref.namespace
        endpoints, secrets = self._node.endpoints(namespace), self._node.secrets(namespace)
        place = Place(self.ref.name, self._port, endpoints, secrets)
        place.endpoints.mkdir(parents=True, exist_ok=True)
        values = environment(self._container, place)
        command = self._container.get("command") or self._node.programs(self._container["name"])
        folders = mounts(self._template["spec"], place)
        given = (localised(text, folders) for text in self._container.get("args", ()))
        arguments = [expand(text, values) for text in (*command, *given)]
        return await Child.start(arguments, values, self._node.folder / f"{self.ref.name}.log")

    async def _part(self, child: Child) -> None:
        """Once it is to end: the program still answers through preStop's sleep, then finishes what it has."""
        await self._ending.wait()
        grace = float(self._template["spec"].get("terminationGracePeriodSeconds", 30))
        sleep = self._container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        await asyncio.wait({self._hurry}, timeout=sleep)
        calm = asyncio.create_task(child.stop(max(grace - sleep, 1.0)))
        either: set[asyncio.Future[Any]] = {calm, self._hurry}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if self._hurry.done():
            await child.stop(self._hurry.result())
        await calm

    async def _probe(self, child: Child) -> None:
        """Startup, then readiness and liveness, until the program ends or must be ended."""
        startup = self._container.get("startupProbe") or {}
        loop = asyncio.get_running_loop()
        patience = startup.get("failureThreshold", 3) * startup.get("periodSeconds", 10)
        deadline = loop.time() + patience
        while startup and not await self._ask(startup):
            if loop.time() > deadline:
                await self._give_up(child, f"startup probe failed for {patience} s")
                return
            await asyncio.sleep(EAGER_SECONDS)
        readiness = asyncio.create_task(self._keep_ready())
        try:
            why = await self._alive()
        finally:
            readiness.cancel()
        await self._give_up(child, why)

    async def _keep_ready(self) -> None:
        probe = self._container.get("readinessProbe") or {}
        failures = 0
        while True:
            failures = 0 if await self._ask(probe) else failures + 1
            if failures == 0 or failures >= probe.get("failureThreshold", 3):
                self._show(self._state.container, ready=failures == 0)
            await asyncio.sleep(probe.get("periodSeconds", 10) if self.ready else EAGER_SECONDS)

    async def _alive(self) -> str:
        """Return when the program is no longer alive, and say how that was seen."""
        probe = self._container.get("livenessProbe") or {}
        failures = 0
        while failures < probe.get("failureThreshold", 3):
            await asyncio.sleep(probe.get("periodSeconds", 10))
            failures = 0 if await self._ask(probe) else failures + 1
        return f"liveness probe failed {failures} times"

    async def _give_up(self, child: Child, why: str) -> None:
        self._show(self._state.container, ready=False)
        with (self._node.folder / f"{self.ref.name}.log").open("a") as log:
            log.write(f"ended by the host: {why}\n")
        await child.stop(float(self._template["spec"].get("terminationGracePeriodSeconds", 30)))

    async def _ask(self, probe: Mapping[str, Any]) -> bool:
        """Whether the probe succeeds; no probe always does."""
        if not probe:
            return True
        asked = probe["httpGet"]
        url = f"{asked.get('scheme', 'HTTP').lower()}://{LOOPBACK}:{self._port}{asked['path']}"
        try:
            timeout = aiohttp.ClientTimeout(total=probe.get("timeoutSeconds", 1))
            # As the kubelet, which has no way to know whose certificate to expect.
            async with self._node.http.get(url, timeout=timeout, ssl=False) as answer:
                return answer.ok
        except (aiohttp.ClientError, TimeoutError):
            return False

    def _announce(self, code: int, words: str) -> None:
        """An end that nobody asked for is told at once, with the program's last words."""
        message = f"container {self._container['name']} ended with exit code {code}, and is started again"
        text = f"{message}\n{words}" if words else message
        self._node.store.announce(Event(self.ref, "", "Warning", "Ended", text))

    def _show(self, container: dict[str, Any], *, ready: bool) -> None:
        if ready != self._state.ready:
            self._state.ready_since = self._now()
        self._state.container, self._state.ready = container, ready
        self._report()

    def _report(self) -> None:
        """Write the Pod as it is now; the store ignores what did not change."""
        state = self._state
        metadata = dict(self._template["metadata"])
        metadata.update(name=self.ref.name, namespace=self.ref.namespace)
        if state.terminating_since:
            metadata["deletionTimestamp"] = state.terminating_since
        (port,) = self._container["ports"]
        container = {**self._container, "ports": [{**port, "containerPort": self._port}]}
        spec = {**self._template["spec"], "containers": [container]}
        pod = {"apiVersion": POD.api_version, "kind": POD.kind, "metadata": metadata, "spec": spec}
        self._node.store.put(pod, manager=KUBELET)
        self._node.store.put_status(self.ref, self._status())

    def _status(self) -> dict[str, Any]:
        state = self._state
        ready = {"status": str(state.ready), "lastTransitionTime": state.ready_since}
        return {
            "phase": "Running" if "running" in state.container or state.restarts else "Pending",
            "hostIP": LOOPBACK,
            "podIP": LOOPBACK,
            "conditions": [{"type": kind, **ready} for kind in ("ContainersReady", "Ready")],
            "containerStatuses": [
                {
                    "name": self._container["name"],
                    "image": self._container.get("image", ""),
                    "ready": state.ready,
                    "restartCount": state.restarts,
                    "state": state.container,
                    "lastState": state.last if "terminated" not in state.container else {},
                }
            ],
        }

    def _now(self) -> str:
        return timestamp(self._node.clock())


def _waiting(reason: str, message: str = "") -> dict[str, Any]:
    return {"waiting": {"reason": reason, **({"message": message} if message else {})}}
