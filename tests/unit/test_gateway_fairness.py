"""Whose page goes to the model servers next, and how many are there at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from ocr_gateway.deadline import Deadline
from ocr_gateway.problems import Problem
from ocr_gateway.upstream.fairness import FIRST_WINDOW, LARGEST_WINDOW, LEAST_WINDOW, FairQueue

FIRST = int(FIRST_WINDOW)


class Pages:
    """Pages that stay at the model servers until they are let go."""

    def __init__(self, queue: FairQueue) -> None:
        self.queue = queue
        self.inside: list[str] = []
        self.order: list[str] = []
        self._ends: list[asyncio.Event] = []

    def send(self, client: str, seconds: float = 60, *, patient: bool = True) -> asyncio.Task[None]:
        return asyncio.create_task(self._send(client, Deadline.after(seconds), patient=patient))

    async def _send(self, client: str, deadline: Deadline, *, patient: bool) -> None:
        end = asyncio.Event()
        async with self.queue.turn(client, deadline, patient=patient):
            self.inside.append(client)
            self.order.append(client)
            self._ends.append(end)
            await end.wait()
            self.inside.remove(client)

    async def finish(self, count: int = 1) -> None:
        """The oldest ones at the model servers are answered."""
        for _ in range(count):
            self._ends.pop(0).set()
            await settle()


async def settle() -> None:
    """Let every task that can go on do so."""
    for _ in range(20):
        await asyncio.sleep(0)


async def ended(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def pages(servers: int = 1) -> AsyncIterator[Pages]:
    yield Pages(FairQueue(lambda: servers))


async def test_two_hundred_pages_of_one_delay_anothers_single_one_by_one_page() -> None:
    async with pages() as run:
        many = [run.send("many") for _ in range(200)]
        await settle()
        assert run.inside == ["many"] * FIRST
        single = run.send("single")
        await settle()
        assert "single" not in run.inside
        await run.finish()
        assert "single" in run.inside
        await ended(*many, single)
        assert (run.queue.waiting, run.queue.backlog_seconds) == (0, 0)


async def test_clients_that_ask_for_as_much_get_as_much() -> None:
    async with pages() as run:
        tasks = [run.send(client) for client in ("a", "b", "c") for _ in range(20)]
        await settle()
        await run.finish(30)
        counts = [run.order[FIRST:].count(client) for client in ("a", "b", "c")]
        assert max(counts) - min(counts) <= FIRST + 1
        await ended(*tasks)


async def test_pages_of_one_client_keep_their_order() -> None:
    queue, order = FairQueue(lambda: 1), []

    async def send(number: int) -> None:
        async with queue.turn("a", Deadline.after(60), patient=True):
            order.append(number)
            await asyncio.sleep(0)

    await asyncio.gather(*(send(number) for number in range(20)))
    assert order == list(range(20))


async def test_a_page_that_is_given_up_while_it_waits_or_works_gives_its_place_back() -> None:
    async with pages() as run:
        tasks = [run.send("a") for _ in range(FIRST + 2)]
        await settle()
        await ended(tasks[-1])
        assert run.queue.waiting == 1
        await ended(tasks[0])
        assert (len(run.order), run.queue.waiting) == (FIRST + 1, 0)
        await ended(*tasks)
        again = [run.send("b") for _ in range(FIRST)]
        await settle()
        assert run.order[-FIRST:] == ["b"] * FIRST
        await ended(*again)


async def test_a_page_given_up_in_the_moment_of_its_turn_gives_it_back() -> None:
    async with pages() as run, AsyncExitStack() as held:
        for _ in range(FIRST - 1):
            await held.enter_async_context(run.queue.turn("a", Deadline.after(60), patient=True))
        last = AsyncExitStack()
        await last.enter_async_context(run.queue.turn("a", Deadline.after(60), patient=True))
        waiting = run.send("a")
        await settle()
        await last.aclose()  # the turn is given, and taken back before its task hears of it
        await ended(waiting)
        again = run.send("b")
        await settle()
        assert run.inside == ["b"]
        await ended(again)


async def test_the_client_with_the_fewest_pages_at_work_is_next_even_if_it_was_served_last() -> None:
    async with pages() as run:
        tasks = [run.send("a") for _ in range(FIRST - 1)]
        tasks += [run.send(client) for client in ("b", "a", "b")]
        await settle()
        await run.finish()
        assert run.order[FIRST:] == ["b"]
        await ended(*tasks)


async def test_without_a_model_server_nobody_waits_for_another() -> None:
    async with pages(servers=0) as run:
        tasks = [run.send("a") for _ in range(50)]
        await settle()
        assert len(run.inside) == 50
        await ended(*tasks)


async def test_a_page_whose_turn_would_come_too_late_is_refused_at_once_with_the_backlog() -> None:
    async with pages() as run:
        run.queue.learn(2.0, 1.5)
        tasks = [run.send("a") for _ in range(30)]
        await settle()
        with pytest.raises(Problem) as refused:
            await run.send("a", seconds=10)
        assert refused.value.code == "queue_full"
        assert refused.value.retry_after == run.queue.backlog_seconds > 10
        other = run.send("b", seconds=10)  # another client's turn comes soon
        await settle()
        assert not other.done()
        await ended(*tasks, other)


async def test_a_single_page_is_refused_long_before_its_deadline_while_pages_of_documents_wait() -> None:
    async with pages() as run:
        run.queue.learn(2.0, 1.0)  # a second of work: it may wait for two
        tasks = [run.send("a", patient=False) for _ in range(2 * FIRST)]
        await settle()
        document = run.send("a")
        with pytest.raises(Problem, match=r"turn after about 3\.0 s; it may wait 2\.0 s") as refused:
            await run.send("a", patient=False)
        assert refused.value.code == "queue_full"
        assert not any(task.done() for task in (*tasks, document))
        await ended(*tasks, document)


async def test_a_second_is_never_too_long_to_wait() -> None:
    async with pages() as run:
        run.queue.learn(0.04, 0.03)
        tasks = [run.send("a", patient=False) for _ in range(90)]
        await settle()
        assert not any(task.done() for task in tasks)
        await ended(*tasks)


@pytest.mark.parametrize(
    ("cores", "least", "most"), [(1, LEAST_WINDOW, 3), (8, 8, 20), (200, LARGEST_WINDOW, LARGEST_WINDOW)]
)
async def test_model_servers_with_idle_cores_get_more_pages_and_full_ones_fewer(
    cores: int, least: float, most: float
) -> None:
    async with pages() as run:
        tasks = [run.send("a") for _ in range(3000)]
        await settle()
        for call in range(2900):
            # What a server of so many cores would say: pages beyond them wait for the others' work.
            queued = max(0.0, (len(run.inside) - cores) / cores)
            run.queue.learn(1 + queued, queued)
            await run.finish()
            assert call < 2500 or least <= len(run.inside) <= most
        await ended(*tasks)
