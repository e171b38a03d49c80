"""Workers never die and never lose a key; the resync looks at everything."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from ocr_operator.runtime.backoff import Backoff
from ocr_operator.runtime.lag import measure_lag
from ocr_operator.runtime.queue import WorkQueue
from ocr_operator.runtime.resync import TURNS, Resync
from ocr_operator.runtime.workers import Workers

pytestmark = [pytest.mark.looptime, pytest.mark.asyncio(loop_scope="function")]


class BusyError(Exception):
    """A failure that says when to come again."""

    retry_after = 40.0


@dataclass
class Done:
    """An outcome."""

    requeue_after: float | None = None


@asynccontextmanager
async def running(work: Awaitable[Any]) -> AsyncIterator[None]:
    """Run it beside the test."""
    task = asyncio.ensure_future(work)
    yield
    assert not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def workers(
    queue: WorkQueue[str], reconcile: Callable[[str], Awaitable[Done]], results: list[str], count: int = 2
) -> Workers[str]:
    return Workers(
        queue=queue,
        reconcile=reconcile,
        retry_after=lambda error: getattr(error, "retry_after", None),
        on_result=lambda result, _: results.append(result),
        count=count,
    )


async def test_a_failed_key_is_tried_until_it_works_and_harms_no_other() -> None:
    queue: WorkQueue[str] = WorkQueue(backoff=Backoff(first_seconds=1.0, spread=0.0))
    tried: Counter[str] = Counter()
    results: list[str] = []

    async def reconcile(key: str) -> Done:
        tried[key] += 1
        if key == "bad" and tried[key] < 4:
            raise ZeroDivisionError
        return Done()

    queue.add("bad")
    queue.add("good")
    async with running(workers(queue, reconcile, results).run()):
        await asyncio.sleep(6.9)
        assert tried == {"good": 1, "bad": 3}
        await asyncio.sleep(60)
        assert tried == {"good": 1, "bad": 4}
    assert Counter(results) == {"error": 3, "success": 2}


async def test_a_failure_that_says_when_is_tried_then() -> None:
    queue: WorkQueue[str] = WorkQueue()
    moments: list[float] = []

    async def reconcile(_: str) -> Done:
        moments.append(asyncio.get_running_loop().time())
        raise BusyError

    queue.add("a")
    async with running(workers(queue, reconcile, []).run()):
        await asyncio.sleep(50)
    assert moments[1] - moments[0] == pytest.approx(40.0, abs=0.1)


async def test_an_outcome_that_asks_for_it_is_looked_at_again() -> None:
    queue: WorkQueue[str] = WorkQueue()
    results: list[str] = []
    outcomes = iter([Done(5.0), Done(5.0), Done()])

    async def reconcile(_: str) -> Done:
        return next(outcomes)

    queue.add("a")
    async with running(workers(queue, reconcile, results).run()):
        await asyncio.sleep(100)
    assert results == ["requeue_after", "requeue_after", "success"]


async def test_a_reconcile_that_hangs_is_a_failure_after_its_time() -> None:
    queue: WorkQueue[str] = WorkQueue()
    results: list[str] = []

    async def reconcile(_: str) -> Done:
        await asyncio.Event().wait()
        return Done()

    queue.add("a")
    async with running(workers(queue, reconcile, results, count=1).run()):
        await asyncio.sleep(200)
    assert results == ["error"]


async def test_two_workers_never_work_on_one_key() -> None:
    queue: WorkQueue[str] = WorkQueue()
    busy: Counter[str] = Counter()
    most: Counter[str] = Counter()

    async def reconcile(key: str) -> Done:
        busy[key] += 1
        most[key] = max(most[key], busy[key])
        most["any"] = max(most["any"], busy.total())
        await asyncio.sleep(1)
        busy[key] -= 1
        return Done()

    async with running(workers(queue, reconcile, [], count=8).run()):
        for _ in range(40):
            queue.add("a")
            queue.add("b")
            await asyncio.sleep(0.3)
    assert most == {"a": 1, "b": 1, "any": 2}


async def test_a_resync_enqueues_all_at_the_start_and_those_with_news_spread_in_each_period() -> None:
    queue: WorkQueue[str] = WorkQueue()
    sweeps = 0

    async def sweep() -> dict[str, bool]:
        nonlocal sweeps
        sweeps += 1
        return {str(number): sweeps > 1 for number in range(100)}

    resync = Resync(queue, sweep, period_seconds=600.0, foreseen=OSError)
    async with running(resync.run()):
        await asyncio.sleep(1)
        assert (sweeps, len(queue)) == (1, 100)
        await drain(queue)
        await asyncio.sleep(700)
        assert sweeps == 2
        assert 0 < len(queue) < 100
        await asyncio.sleep(300)
        assert len(queue) == 100


async def test_what_has_no_news_is_looked_at_once_in_so_many_rounds() -> None:
    queue: WorkQueue[int] = WorkQueue()
    looks: Counter[int] = Counter()

    async def sweep() -> dict[int, bool]:
        return {**dict.fromkeys(range(100), False), 100: True}

    async def look() -> None:
        while True:
            key = await queue.get()
            looks[key] += 1
            queue.done(key)

    resync = Resync(queue, sweep, period_seconds=600.0, foreseen=OSError)
    async with running(look()), running(resync.run()):
        await asyncio.sleep(1)
        assert set(looks.values()) == {1}
        looks.clear()
        # A round takes 540 to 660 s, and what it enqueues comes within 300.
        await asyncio.sleep(660 * TURNS + 300)
    assert set(looks) == set(range(101))
    assert max(looks[key] for key in range(100)) <= 2
    assert looks[100] >= TURNS


async def drain(queue: WorkQueue[str]) -> None:
    """Take and finish all that waits."""
    while len(queue):
        queue.done(await queue.get())


async def test_a_failed_sweep_is_tried_again_soon_and_shows_when_it_goes_on() -> None:
    queue: WorkQueue[str] = WorkQueue()
    broken = True

    async def sweep() -> dict[str, bool]:
        if broken:
            raise ConnectionResetError
        return {"a": False}

    resync = Resync(queue, sweep, period_seconds=600.0, foreseen=OSError)
    async with running(resync.run()):
        await asyncio.sleep(1000)
        assert resync.overdue_seconds() == pytest.approx(340.0, abs=1)
        broken = False
        await asyncio.sleep(80)
        assert resync.overdue_seconds() == 0.0
        assert len(queue) == 1


async def test_a_sweep_that_is_asked_for_comes_at_once() -> None:
    queue: WorkQueue[str] = WorkQueue()

    async def sweep() -> dict[str, bool]:
        return {"a": False}

    resync = Resync(queue, sweep, period_seconds=600.0, foreseen=OSError)
    async with running(resync.run()):
        await asyncio.sleep(1)
        await drain(queue)
        resync.request()
        await asyncio.sleep(0.1)
        assert len(queue) == 1


async def test_lag_is_reported_each_second() -> None:
    lags: list[float] = []
    async with running(measure_lag(lags.append)):
        await asyncio.sleep(5.5)
    assert lags == [pytest.approx(0.0, abs=0.1)] * 5
