"""Kubernetes' HorizontalPodAutoscaler, as far as the speed of scaling goes.

https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#algorithm-details
"""

import asyncio
import math
from collections import deque
from dataclasses import dataclass
from typing import Literal

from ocr_operator.models.autoscaling import ScalingBehavior
from tests.bench.scaling.world import Fleet

SYNC_SECONDS = 15.0
TOLERANCE = 0.1


@dataclass(frozen=True)
class Aim:
    """What is kept to (percent of the threads, or pages that wait a server), and how long a pod takes."""

    metric: Literal["CPU", "QueueDepth"]
    target: float
    start_seconds: float
    least: int
    most: int


def wanted(current: int, ratio: float) -> int:
    """Pods for a metric that is `ratio` times its target."""
    return current if abs(ratio - 1) <= TOLERANCE else math.ceil(current * ratio)


class Autoscaler:
    """With the limits on speed that an OCRService has by default."""

    def __init__(self, fleet: Fleet, aim: Aim, behavior: ScalingBehavior) -> None:
        self._fleet, self._aim, self._behavior = fleet, aim, behavior
        self._count = len(fleet.servers)
        self._counts: deque[tuple[float, int]] = deque([(0.0, self._count)])
        self._recommended: deque[tuple[float, int]] = deque()
        self._busy: dict[int, float] = {}

    async def run(self) -> None:
        """Look and resize until cancelled."""
        while True:
            await asyncio.sleep(SYNC_SECONDS)
            self._resize(self._allowed(self._wanted()))

    def _wanted(self) -> int:
        """By the pods that are ready, bounded; going down only to the highest of the last minutes."""
        now, aim = asyncio.get_running_loop().time(), self._aim
        ready = self._fleet.servers
        share = self._share() if aim.metric == "CPU" else self._fleet.waiting / (len(ready) * aim.target)
        recommended = max(aim.least, min(aim.most, wanted(len(ready), share)))
        self._recommended.append((now, recommended))
        calm = self._behavior.scale_down_stabilization_seconds
        while self._recommended[0][0] < now - calm:
            self._recommended.popleft()
        return (
            max(self._count, recommended)
            if recommended > self._count
            else min(self._count, max(count for _, count in self._recommended))
        )

    def _share(self) -> float:
        """Of the target, what the threads of all ready servers worked since the last look."""
        busy = {id(server): server.busy_seconds() for server in self._fleet.servers}
        worked = sum(seconds - self._busy.get(key, 0.0) for key, seconds in busy.items())
        self._busy = busy
        return 100 * worked / (SYNC_SECONDS * self._fleet.threads * len(busy)) / self._aim.target

    def _allowed(self, count: int) -> int:
        """No faster than the behaviour lets it: from the number at the beginning of the period."""
        up = count > self._count
        rate = self._behavior.scale_up if up else self._behavior.scale_down
        start = self._at(asyncio.get_running_loop().time() - rate.period_seconds)
        step = max(rate.pods or 0, math.ceil(start * (rate.percent or 0) / 100))
        return min(count, start + step) if up else max(count, start - step)

    def _at(self, moment: float) -> int:
        """How many were asked for then."""
        return next((count for since, count in reversed(self._counts) if since <= moment), self._counts[0][1])

    def _resize(self, count: int) -> None:
        loop = asyncio.get_running_loop()
        if count == self._count:
            return
        self._count = count
        self._counts.append((loop.time(), count))
        if count < len(self._fleet.servers):
            self._fleet.resize(count)
        else:
            loop.call_later(self._aim.start_seconds, self._started, count)

    def _started(self, count: int) -> None:
        """Those pods are ready, unless fewer are wanted by now."""
        self._fleet.resize(max(len(self._fleet.servers), min(count, self._count)))
