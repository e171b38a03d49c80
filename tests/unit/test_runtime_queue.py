"""The work queue has client-go's rules."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from ocr_operator.runtime.backoff import Backoff, Bucket
from ocr_operator.runtime.queue import WorkQueue

pytestmark = [pytest.mark.looptime, pytest.mark.asyncio(loop_scope="function")]
STEADY = Backoff(first_seconds=1.0, cap_seconds=10.0, spread=0.0)


async def seconds_of(work: Callable[[], Awaitable[object]]) -> float:
    """How long the work takes on the loop's clock, which jumps over sleeps."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    await work()
    return round(loop.time() - started, 1)


async def empty(queue: WorkQueue[str]) -> bool:
    """Whether nothing comes up for a long while."""
    try:
        async with asyncio.timeout(3600):
            await queue.get()
    except TimeoutError:
        return True
    return False


async def test_a_key_that_waits_is_not_added_twice() -> None:
    queue: WorkQueue[str] = WorkQueue()
    for _ in range(100):
        queue.add("a")
    assert len(queue) == 1
    assert await queue.get() == "a"
    queue.done("a")
    assert await empty(queue)


async def test_keys_come_in_the_order_they_were_added() -> None:
    queue: WorkQueue[str] = WorkQueue()
    for key in "abca":
        queue.add(key)
    assert [await queue.get() for _ in range(3)] == ["a", "b", "c"]


async def test_a_key_in_work_is_given_to_nobody_else_and_comes_again_after() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add("a")
    assert await queue.get() == "a"
    queue.add("a")
    queue.add("a")
    assert await empty(queue)
    queue.done("a")
    assert await queue.get() == "a"
    queue.done("a")
    assert await empty(queue)


@pytest.mark.parametrize("delays", [(5.0, 2.0, 9.0), (2.0, 5.0), (9.0, 2.0)])
async def test_of_several_delays_the_earliest_counts(delays: tuple[float, ...]) -> None:
    queue: WorkQueue[str] = WorkQueue()
    for delay in delays:
        queue.add_after("a", delay)
    assert await seconds_of(queue.get) == 2.0
    queue.done("a")
    assert await empty(queue)


async def test_no_delay_is_now_and_takes_the_place_of_a_later_one() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add_after("a", 5.0)
    queue.add_after("a", 0.0)
    assert await seconds_of(queue.get) == 0.0
    queue.done("a")
    assert await empty(queue)


async def test_failures_wait_longer_each_time_up_to_a_cap_until_forgotten() -> None:
    queue: WorkQueue[str] = WorkQueue(backoff=STEADY)
    assert [queue.retry("a") for _ in range(6)] == [1.0, 2.0, 4.0, 8.0, 10.0, 10.0]
    assert queue.retry("b") == 1.0
    queue.forget("a")
    assert queue.retry("a") == 1.0


async def test_a_failure_waits_as_long_as_it_was_told() -> None:
    queue: WorkQueue[str] = WorkQueue(backoff=STEADY)
    assert queue.retry("a", at_least=30.0) == 30.0
    assert await seconds_of(queue.get) == 30.0


async def test_delays_are_spread() -> None:
    delays = {Backoff(first_seconds=1.0, spread=0.2).delay(1) for _ in range(50)}
    assert len(delays) > 10
    assert all(0.8 <= delay <= 1.2 for delay in delays)


async def test_many_failures_never_overflow() -> None:
    assert STEADY.delay(10_000) == 10.0


async def test_retries_of_all_keys_together_have_a_bound() -> None:
    queue: WorkQueue[str] = WorkQueue(backoff=Backoff(first_seconds=0.001, spread=0.0))
    delays = [queue.retry(str(number)) for number in range(300)]
    assert max(delays[:100]) < 0.2
    assert delays[299] == pytest.approx(20.0, abs=0.2)


async def test_the_bound_recovers_while_nothing_fails() -> None:
    now = 0.0
    bucket = Bucket(lambda: now, per_second=10.0, burst=5)
    for _ in range(20):
        bucket.reserve()
    assert bucket.reserve() > 1.0
    now = 60.0
    assert bucket.reserve() == 0.0


async def test_it_tells_how_long_a_key_waited() -> None:
    waits: list[float] = []
    queue: WorkQueue[str] = WorkQueue(on_wait=waits.append)
    queue.add("a")
    await asyncio.sleep(7)
    await queue.get()
    assert waits == [pytest.approx(7.0)]


async def test_it_stalls_only_while_something_waits_and_nobody_takes() -> None:
    queue: WorkQueue[str] = WorkQueue()
    await asyncio.sleep(100)
    assert queue.stalled_seconds() == 0.0
    queue.add("a")
    queue.add("b")
    await asyncio.sleep(100)
    assert queue.stalled_seconds() == pytest.approx(100.0)
    await queue.get()
    assert queue.stalled_seconds() == pytest.approx(0.0)
    # What is in work and wanted again does not wait for a worker.
    await queue.get()
    queue.add("a")
    await asyncio.sleep(100)
    assert queue.stalled_seconds() == 0.0


async def test_closed_nothing_comes_up_any_more() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add_after("a", 5.0)
    queue.close()
    assert await empty(queue)
