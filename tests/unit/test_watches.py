"""Which events of children are worth a look at their service."""

import asyncio
from collections.abc import Mapping
from typing import Any

import kopf
import pytest

from ocr_operator.models.manifest import HORIZONTAL_POD_AUTOSCALER, POD_DISRUPTION_BUDGET, Kind
from ocr_operator.models.service import Key
from ocr_operator.runtime.freshness import Freshness
from ocr_operator.runtime.metrics import Metrics
from ocr_operator.runtime.profiles import Profiles
from ocr_operator.runtime.queue import WorkQueue
from ocr_operator.watches import CHILD_SECONDS, TOLD, NothingToCompare, Watches

pytestmark = [pytest.mark.looptime, pytest.mark.asyncio(loop_scope="function")]


class Told:
    """Tells events of one child, and whether its service was looked at."""

    def __init__(self, kind: Kind) -> None:
        self._queue: WorkQueue[Key] = WorkQueue()
        self._watches = Watches(self._queue, Metrics(version="1", kopf_version="1"), Freshness(), Profiles())
        self._told = TOLD[kind]

    async def wakes(self, event: str | None, body: Mapping[str, Any]) -> bool:
        """Whether this event brings the service into the queue."""
        self._watches._restless_changed(self._told, event, body)
        await asyncio.sleep(2 * CHILD_SECONDS)
        woken = bool(len(self._queue))
        if woken:
            self._queue.done(await self._queue.get())
        return woken


def child(**members: Any) -> dict[str, Any]:
    """A child of a service."""
    labels = {"kubeocr.dev/service": "invoices"}
    return {
        "metadata": {"name": "a", "namespace": "shop", "uid": "1", "labels": labels},
        "spec": {},
        **members,
    }


async def test_a_budget_that_counts_its_pods_wakes_nobody() -> None:
    told = Told(POD_DISRUPTION_BUDGET)
    assert await told.wakes("ADDED", child())
    assert not await told.wakes("MODIFIED", child(status={"currentHealthy": 1}))
    assert await told.wakes("MODIFIED", child(spec={"maxUnavailable": 2}))
    assert await told.wakes("DELETED", child(spec={"maxUnavailable": 2}))


async def test_an_autoscaler_that_measures_wakes_nobody_and_one_that_cannot_does() -> None:
    told = Told(HORIZONTAL_POD_AUTOSCALER)
    working = {"conditions": [{"type": kind, "status": "True"} for kind in ("AbleToScale", "ScalingActive")]}
    failing = {"conditions": [{"type": "AbleToScale", "status": "False", "reason": "FailedGetScale"}]}
    assert await told.wakes(None, child(status=working))
    assert not await told.wakes("MODIFIED", child(status={**working, "currentMetrics": [1]}))
    assert await told.wakes("MODIFIED", child(status=failing))


async def test_an_annotation_that_somebody_changed_wakes() -> None:
    told = Told(POD_DISRUPTION_BUDGET)
    await told.wakes("ADDED", child())
    edited = child()
    edited["metadata"]["annotations"] = {"kubeocr.dev/applied": "0"}
    assert await told.wakes("MODIFIED", edited)


async def test_kopf_is_spared_the_copy_of_each_object() -> None:
    storage = NothingToCompare()
    body = kopf.Body({"metadata": {"name": "a"}, "spec": {"replicas": 1}})
    assert storage.build(body=body) == {}
    assert storage.fetch(body=body) is None
