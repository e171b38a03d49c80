"""The Deployment controller's role: as many pods as asked for, replaced without a gap."""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, Final

from ocr_operator.cluster.local.pods import LocalPod, Node
from ocr_operator.cluster.local.store import timestamp
from ocr_operator.models.manifest import DEPLOYMENT, POD, Manifest, Ref, ref

# So often deadlines are looked at when nothing else happens.
TICK_SECONDS: Final = 1.0


@dataclass(slots=True)
class _Set:
    """The pods of one Deployment, and how far its roll-out has come."""

    pods: list[LocalPod] = field(default_factory=list)
    progress: tuple[object, ...] = ()
    progress_at: str = ""
    conditions: dict[str, dict[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a roll-out may do: pods at most, and ready pods at least."""

    most: int
    least: int


class Deployments:
    """All Deployments of the store; `run` keeps them until it is cancelled, `close` ends every pod."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._sets: dict[str, _Set] = {}
        self._leaving: set[LocalPod] = set()
        self._wake = asyncio.Event()
        node.store.subscribe(self._changed)

    async def run(self) -> None:
        """Bring pods and status in line whenever something changes."""
        while True:
            self._sync()
            try:
                async with asyncio.timeout(TICK_SECONDS):
                    await self._wake.wait()
            except TimeoutError:
                continue
            finally:
                self._wake.clear()

    async def close(self, seconds: float) -> None:
        """End all pods, each within `seconds`, and wait until they are gone."""
        staying = [pod for pods in self._sets.values() for pod in pods.pods]
        tasks = [pod.end(within=seconds) for pod in (*self._leaving, *staying)]
        await asyncio.gather(*tasks)

    def _changed(self, ref: Ref, _live: Manifest) -> None:
        if ref.kind in (DEPLOYMENT, POD):
            self._wake.set()

    def _sync(self) -> None:
        deployments = {live["metadata"]["uid"]: live for live in self._node.store.select(DEPLOYMENT)}
        for uid in self._sets.keys() - deployments.keys():
            self._end(self._sets.pop(uid).pods)
        for uid, deployment in deployments.items():
            pods = self._sets.setdefault(uid, _Set())
            self._roll(deployment, pods)
            self._report(deployment, pods)

    def _roll(self, deployment: Manifest, pods: _Set) -> None:
        """One step of the roll-out: start what may be started, end what may be ended."""
        spec = deployment["spec"]
        desired, revision = spec["replicas"], _revision(spec["template"])
        bounds = limits(desired, spec.get("strategy", {}).get("rollingUpdate", {}))
        new = sum(pod.revision == revision for pod in pods.pods)
        for _ in range(min(desired - new, bounds.most - len(pods.pods))):
            pods.pods.append(self._start(deployment, revision))
        surplus = choose(pods.pods, revision, desired, bounds)
        pods.pods = [pod for pod in pods.pods if pod not in surplus]
        self._end(surplus)

    def _start(self, deployment: Manifest, revision: str) -> LocalPod:
        head, template = deployment["metadata"], deployment["spec"]["template"]
        name = f"{head['name']}-{revision}-{secrets.token_hex(3)[:5]}"
        return LocalPod(self._node, Ref(POD, head["namespace"], name), template, revision)

    def _end(self, pods: Sequence[LocalPod]) -> None:
        for pod in pods:
            self._leaving.add(pod)
            pod.end().add_done_callback(partial(self._left, pod))

    def _left(self, pod: LocalPod, _task: asyncio.Task[None]) -> None:
        self._leaving.discard(pod)

    def _report(self, deployment: Manifest, pods: _Set) -> None:
        """Write the Deployment's status as the real controller does."""
        spec = deployment["spec"]
        desired, revision = spec["replicas"], _revision(spec["template"])
        total, ready = len(pods.pods), sum(pod.ready for pod in pods.pods)
        updated = [pod for pod in pods.pods if pod.revision == revision]
        least = limits(desired, spec.get("strategy", {}).get("rollingUpdate", {})).least
        complete = total == len(updated) == desired and ready == desired
        progress = (deployment["metadata"]["generation"], total, len(updated), ready)
        if progress != pods.progress:
            pods.progress, pods.progress_at = progress, self._now()
        if complete:
            rolling = ("True", "NewReplicaSetAvailable")
        elif self._overdue(pods, spec.get("progressDeadlineSeconds", 600)):
            rolling = ("False", "ProgressDeadlineExceeded")
        else:
            rolling = ("True", "ReplicaSetUpdated")
        enough = ready >= least
        available = (str(enough), f"MinimumReplicas{'Available' if enough else 'Unavailable'}")
        counts = {
            "replicas": total,
            "updatedReplicas": len(updated),
            "readyReplicas": ready,
            "availableReplicas": ready,
            "unavailableReplicas": max(desired, total) - ready,
        }
        conditions = [
            self._condition(pods, "Available", *available),
            self._condition(pods, "Progressing", *rolling),
        ]
        status = {
            "observedGeneration": deployment["metadata"]["generation"],
            **{name: count for name, count in counts.items() if count},
            "conditions": conditions,
        }
        self._node.store.put_status(ref(deployment), status)

    def _overdue(self, pods: _Set, seconds: int) -> bool:
        return timestamp(self._node.clock() - timedelta(seconds=seconds)) > pods.progress_at

    def _condition(self, pods: _Set, kind: str, status: str, reason: str) -> dict[str, str]:
        old = pods.conditions.get(kind)
        since = old["lastTransitionTime"] if old and old["status"] == status else self._now()
        new = {"type": kind, "status": status, "reason": reason, "message": "", "lastTransitionTime": since}
        pods.conditions[kind] = new
        return new

    def _now(self) -> str:
        return timestamp(self._node.clock())


def choose(pods: list[LocalPod], revision: str, desired: int, bounds: Bounds) -> list[LocalPod]:
    """Pods to end now.

    - New pods beyond the desired number, those that are not ready first, then the youngest.
    - Old pods that are not ready, as many as are not needed in case that they recover while new ones fail.
    - Ready old pods beyond the least number of ready pods.
    """
    new = sorted((pod for pod in pods if pod.revision == revision), key=lambda pod: not pod.ready)
    kept, surplus = new[:desired], new[desired:]
    old = [pod for pod in pods if pod.revision != revision]
    waiting = sum(not pod.ready for pod in kept)
    broken = [pod for pod in old if not pod.ready][: max(len(kept) + len(old) - bounds.least - waiting, 0)]
    spare = sum(pod.ready for pod in (*kept, *old)) - bounds.least
    return [*surplus, *broken, *[pod for pod in old if pod.ready][: max(spare, 0)]]


def limits(desired: int, rolling: Mapping[str, Any]) -> Bounds:
    """maxSurge is rounded up, maxUnavailable down, and they are never both 0; 25 % each by default."""
    surge = _share(rolling.get("maxSurge", "25%"), desired, math.ceil)
    unavailable = _share(rolling.get("maxUnavailable", "25%"), desired, math.floor)
    if surge == unavailable == 0:
        unavailable = 1
    return Bounds(most=desired + surge, least=max(desired - unavailable, 0))


def _share(value: int | str, desired: int, rounding: Any) -> int:
    if isinstance(value, str):
        return int(rounding(desired * int(value.removesuffix("%")) / 100))
    return value


def _revision(template: Mapping[str, Any]) -> str:
    text = json.dumps(template, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:8]
