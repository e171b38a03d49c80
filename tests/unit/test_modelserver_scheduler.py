"""Who is read when, what is let in, and how the parts of a page are shared."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from dataclasses import dataclass
from math import inf
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_modelserver.scheduling.batch import Batch
from ocr_modelserver.scheduling.job import AbandonedError, Checkpoint, DeadlineError, Job, Task
from ocr_modelserver.scheduling.queue import FairQueue
from ocr_modelserver.scheduling.scheduler import Bounds, QueueFullError, Scheduler
from ocr_modelserver.spread import Map

WAIT = 30
HEAVY = 10


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Gate:
    """Work that says when it starts and waits until it is let go."""

    def __init__(self) -> None:
        self.started = threading.Event()
        self.open = threading.Event()

    def __call__(self, checkpoint: Checkpoint, _: Map) -> str:
        self.started.set()
        assert self.open.wait(WAIT)
        checkpoint()
        return "done"


def task(work: Callable[[], Any] = lambda: None, size: float = 1.0, pixels: int = 0) -> Task[Any]:
    return Task(lambda _checkpoint, _spread: work(), size, pixels)


@dataclass(eq=False)
class Turn:
    """A job as the queue sees it."""

    request: str
    size: float = 1.0
    pixels: int = 0


@pytest.fixture
def clock() -> Clock:
    return Clock()


Make = Callable[..., Scheduler]


@pytest.fixture
def make(clock: Clock) -> Iterator[Make]:
    """Schedulers that end with the test."""
    made: list[Scheduler] = []

    def make_one(workers: int = 1, queue: int = 99, wait_jobs: float = 99, running: float = inf) -> Scheduler:
        made.append(Scheduler(workers, Bounds(queue, HEAVY, running, wait_jobs), clock))
        return made[-1]

    yield make_one
    for scheduler in made:
        scheduler.close()


@pytest.fixture
def gate() -> Iterator[Gate]:
    """Closed while a test fills the queue, and never left so."""
    gate = Gate()
    yield gate
    gate.open.set()


def held(scheduler: Scheduler, gate: Gate) -> Job[Any]:
    """Keep one worker busy."""
    (job,) = scheduler.submit("gate", [Task(gate, size=0.0)])
    assert gate.started.wait(WAIT)
    return job


def taught(scheduler: Scheduler, clock: Clock, seconds: float) -> None:
    """Let it learn that a unit of work takes so long."""

    def work() -> None:
        clock.now += seconds

    for _ in range(99):
        scheduler.submit("teacher", [task(work)])[0].future.result(WAIT)


def order_of(queue: FairQueue[Turn]) -> list[Turn]:
    taken = []
    while (turn := queue.pop(heavy=True)) is not None:
        taken.append(turn)
    return taken


def test_a_short_request_waits_for_one_page_of_a_long_one() -> None:
    queue: FairQueue[Turn] = FairQueue(HEAVY)
    queue.add("long", [Turn("long") for _ in range(50)])
    queue.pop(heavy=True)

    queue.add("short", [Turn("short")])

    assert [turn.request for turn in order_of(queue)[:2]] == ["short", "long"]


def test_requests_take_turns_and_within_one_the_longest_is_first() -> None:
    queue: FairQueue[Turn] = FairQueue(HEAVY)
    queue.add("a", [Turn("a", size) for size in (1, 3, 2)])
    queue.add("b", [Turn("b", size) for size in (1, 3, 2)])

    assert [(t.request, t.size) for t in order_of(queue)] == [
        ("a", 3), ("b", 3), ("a", 2), ("b", 2), ("a", 1), ("b", 1),
    ]  # fmt: skip


def test_what_a_request_adds_later_stands_behind_its_earlier_pages() -> None:
    queue: FairQueue[Turn] = FairQueue(HEAVY)
    queue.add("greedy", [Turn("greedy"), Turn("greedy")])
    queue.add("greedy", [Turn("greedy")])
    queue.add("modest", [Turn("modest")])

    assert [turn.request for turn in order_of(queue)].index("modest") == 1


def test_a_long_request_gets_its_share_however_many_short_ones_come() -> None:
    queue: FairQueue[Turn] = FairQueue(HEAVY)
    queue.add("long", [Turn("long") for _ in range(10)])
    taken: list[str] = []
    for number in range(100):
        queue.add(f"short {number}", [Turn("short")])
        queue.add(f"other {number}", [Turn("short")])
        for _ in range(2):
            turn = queue.pop(heavy=True)
            assert turn is not None
            taken.append(turn.request)

    assert taken.count("long") == 10


def test_of_heavy_jobs_only_light_ones_go_past() -> None:
    queue: FairQueue[Turn] = FairQueue(HEAVY)
    heavy, light = Turn("a", pixels=HEAVY + 1), Turn("b", size=5, pixels=HEAVY)
    queue.add("a", [heavy])
    queue.add("b", [light])

    assert queue.pop(heavy=False) is light
    assert queue.pop(heavy=False) is None
    assert queue.pop(heavy=True) is heavy


Steps = st.lists(
    st.one_of(
        st.tuples(
            st.just("add"),
            st.sampled_from("abcd"),
            st.lists(st.tuples(st.floats(0.1, 9), st.integers(0, 20)), min_size=1, max_size=6),
        ),
        st.tuples(st.just("pop"), st.booleans(), st.none()),
        st.tuples(st.just("drop"), st.sampled_from("abcd"), st.none()),
    ),
    max_size=40,
)


@given(Steps)
def test_whatever_is_added_is_taken_or_dropped_once_and_what_waits_is_what_is_said(steps: list[Any]) -> None:
    queue: FairQueue[Turn] = FairQueue(HEAVY)
    waiting: list[Turn] = []
    for step, what, sizes in steps:
        if step == "add":
            turns = [Turn(what, size, pixels) for size, pixels in sizes]
            queue.add(what, turns)
            waiting += turns
        elif step == "pop":
            turn = queue.pop(heavy=what)
            if turn is None:
                assert all(each.pixels > HEAVY for each in waiting) if not what else not waiting
            else:
                assert what or turn.pixels <= HEAVY
                waiting.remove(turn)
        else:
            queue.keep(lambda turn, gone=what: turn.request != gone)
            waiting = [turn for turn in waiting if turn.request != what]
        assert len(queue) == len(waiting)
        assert set(map(id, queue.jobs)) == set(map(id, waiting))
    assert set(map(id, order_of(queue))) == set(map(id, waiting))


@given(st.lists(st.floats(0.1, 9), min_size=2, max_size=30))
def test_what_waits_is_passed_by_no_more_than_one_job_of_its_size_of_each_request(sizes: list[float]) -> None:
    queue: FairQueue[Turn] = FairQueue(HEAVY)
    for number in range(4):
        queue.add(str(number), [Turn(str(number), size) for size in sizes])
    last = Turn("last", sizes[0])
    expected = queue.ahead_of(last)
    queue.add("last", [last])

    taken = order_of(queue)
    before = taken[: taken.index(last)]

    assert sum(turn.size for turn in before) <= expected + 1e-6
    assert sum(turn.size for turn in before) <= 4 * sizes[0] + 1e-6


def test_a_full_queue_refuses_and_takes_again_when_there_is_room(make: Make, gate: Gate) -> None:
    scheduler = make(queue=2)
    held(scheduler, gate)
    waiting = scheduler.submit("a", [task(lambda: "second"), task(lambda: "third")])

    with pytest.raises(QueueFullError, match="2 pages wait, and at most 2 may; try again in 2 s"):
        scheduler.submit("b", [task()])
    gate.open.set()

    assert [job.future.result(WAIT) for job in waiting] == ["second", "third"]
    assert scheduler.submit("b", [task(lambda: "fifth")])[0].future.result(WAIT) == "fifth"


def test_all_of_a_request_is_taken_or_none(make: Make, gate: Gate) -> None:
    scheduler = make(queue=3)
    held(scheduler, gate)
    scheduler.submit("a", [task()] * 2)

    with pytest.raises(QueueFullError):
        scheduler.submit("b", [task()] * 2)

    assert scheduler.depth == 2


def test_the_oldest_job_that_waits_tells_how_long(make: Make, clock: Clock, gate: Gate) -> None:
    scheduler = make()
    held(scheduler, gate)
    assert scheduler.oldest_seconds == 0
    jobs = scheduler.submit("a", [task()])
    clock.now += 5
    scheduler.submit("b", [task()])
    clock.now += 2
    assert scheduler.oldest_seconds == 7
    scheduler.abandon(jobs)
    assert scheduler.oldest_seconds == 2


def test_a_request_larger_than_the_queue_is_taken_while_nothing_waits(make: Make) -> None:
    jobs = make(queue=1).submit("a", [task(lambda: 1)] * 4)

    assert [job.future.result(WAIT) for job in jobs] == [1, 1, 1, 1]


def test_a_new_request_is_refused_when_its_first_turn_would_be_too_late(
    make: Make, clock: Clock, gate: Gate
) -> None:
    scheduler = make(wait_jobs=2.5)
    taught(scheduler, clock, 2)
    held(scheduler, gate)
    for number in range(3):
        scheduler.submit(str(number), [task()])

    with pytest.raises(
        QueueFullError, match=r"the wait would be 6.0 s, and it may be 5.0 s; try again in 6 s"
    ):
        scheduler.submit("3", [task()])
    scheduler.submit("short", [task(size=0.5)])


def test_where_pages_are_read_in_no_time_a_second_of_them_may_wait(
    make: Make, clock: Clock, gate: Gate
) -> None:
    scheduler = make(wait_jobs=1)
    taught(scheduler, clock, 0.1)
    held(scheduler, gate)

    with contextlib.suppress(QueueFullError):
        for number in range(50):
            scheduler.submit(str(number), [task()])

    assert scheduler.depth in {10, 11}


def test_the_pages_of_a_long_request_are_no_wait_for_a_short_one(
    make: Make, clock: Clock, gate: Gate
) -> None:
    scheduler = make(wait_jobs=2.5)
    taught(scheduler, clock, 2)
    held(scheduler, gate)
    scheduler.submit("long", [task()] * 50)

    scheduler.submit("short", [task()])

    assert scheduler.depth == 51
    assert scheduler.backlog_seconds == pytest.approx(102, rel=0.01)


def test_a_request_that_has_begun_is_not_stopped_half_way(make: Make, clock: Clock, gate: Gate) -> None:
    scheduler = make(wait_jobs=2.5)
    taught(scheduler, clock, 2)
    held(scheduler, gate)
    for number in range(3):
        scheduler.submit(str(number), [task()])

    scheduler.submit("gate", [task()])

    assert scheduler.depth == 4


def test_a_request_is_refused_at_once_when_its_deadline_would_pass_in_the_queue(
    make: Make, clock: Clock, gate: Gate
) -> None:
    scheduler = make()
    taught(scheduler, clock, 2)
    held(scheduler, gate)
    scheduler.submit("a", [task()])

    with pytest.raises(QueueFullError, match=r"the wait would be 2.0 s, and the deadline is in 1.5 s"):
        scheduler.submit("b", [task()], deadline=clock.now + 1.5)
    scheduler.submit("b", [task()], deadline=clock.now + 2.5)


def test_the_backlog_counts_what_is_left_of_what_runs(make: Make, clock: Clock) -> None:
    scheduler, gate = make(workers=2), Gate()
    taught(scheduler, clock, 4)
    scheduler.submit("a", [Task(gate)])
    assert gate.started.wait(WAIT)

    clock.now += 1

    assert scheduler.backlog_seconds == pytest.approx((4 - 1) / 2, rel=0.01)
    gate.open.set()


def test_of_pages_that_are_heavy_one_runs_at_a_time(make: Make) -> None:
    scheduler, first, second = make(workers=2), Gate(), Gate()
    jobs = scheduler.submit("a", [Task(first, 2, HEAVY + 1), Task(second, 1, HEAVY + 1)])
    assert first.started.wait(WAIT)

    scheduler.submit("b", [task(pixels=HEAVY)])[0].future.result(WAIT)

    assert not second.started.is_set()
    assert (scheduler.running, scheduler.depth, scheduler.pixels) == (1, 1, HEAVY + 1)
    first.open.set()
    second.open.set()
    assert [job.future.result(WAIT) for job in jobs] == ["done", "done"]


def test_where_one_page_runs_at_a_time_the_other_workers_only_help(make: Make) -> None:
    scheduler = make(2, running=1)
    together = threading.Barrier(2, timeout=WAIT)
    seen: list[int] = []

    def page(_: Any, spread: Map) -> None:
        seen.append(scheduler.running)
        list(spread(lambda _: together.wait(), range(2)))

    jobs = scheduler.submit("long", [Task(page, size=1.0) for _ in range(3)])

    for job in jobs:
        job.future.result(WAIT)
    assert seen == [1, 1, 1]


def test_abandoned_work_that_waits_never_starts(make: Make, gate: Gate) -> None:
    scheduler, ran = make(), threading.Event()
    held(scheduler, gate)
    jobs = scheduler.submit("a", [task(ran.set)] * 3)

    scheduler.abandon(jobs)

    assert scheduler.depth == 0
    gate.open.set()
    scheduler.submit("b", [task()])[0].future.result(WAIT)
    assert not ran.is_set()
    with pytest.raises(CancelledError):
        jobs[0].future.result(WAIT)


def test_abandoned_work_that_runs_stops_at_its_checkpoint(make: Make, gate: Gate) -> None:
    scheduler = make()
    jobs = [held(scheduler, gate)]

    scheduler.abandon(jobs)
    gate.open.set()

    with pytest.raises(AbandonedError):
        jobs[0].future.result(WAIT)


def test_work_whose_deadline_is_over_does_not_start(make: Make, clock: Clock, gate: Gate) -> None:
    scheduler, ran = make(), threading.Event()
    held(scheduler, gate)
    (late,) = scheduler.submit("a", [task(ran.set)], deadline=5.0)

    clock.now = 5.0
    gate.open.set()

    with pytest.raises(DeadlineError):
        late.future.result(WAIT)
    assert not ran.is_set()
    assert late.queue_seconds == 5.0


def test_a_failure_goes_to_its_caller_and_the_worker_goes_on(make: Make) -> None:
    scheduler = make()

    def fail() -> None:
        raise ValueError("broken page")

    (failed,) = scheduler.submit("a", [task(fail)])
    with pytest.raises(ValueError, match="broken page"):
        failed.future.result(WAIT)

    assert scheduler.alive
    assert scheduler.submit("b", [task(lambda: 1)])[0].future.result(WAIT) == 1


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_dead_worker_is_seen(make: Make) -> None:
    scheduler = make(workers=2)

    class WorkerEnd(BaseException):
        pass

    def die() -> None:
        raise WorkerEnd

    (job,) = scheduler.submit("a", [task(die)])
    with pytest.raises(WorkerEnd):
        job.future.result(WAIT)
    scheduler.close()

    assert not scheduler.alive


def test_closing_finishes_what_is_queued(clock: Clock) -> None:
    scheduler = Scheduler(2, Bounds(9, HEAVY), clock)
    jobs = scheduler.submit("a", [task(lambda: 1, pixels=HEAVY + 1)] * 6)

    scheduler.close()

    assert [job.future.result(0) for job in jobs] == [1] * 6


class Parts:
    """Parts of a page, of which the first two meet: they are done only if two threads are at them."""

    def __init__(self) -> None:
        self.together = threading.Barrier(2, timeout=WAIT)
        self.threads: set[int] = set()

    def __call__(self, part: int) -> int:
        if part < 2:
            self.together.wait()
        self.threads.add(threading.get_ident())
        return part * part


def test_an_idle_worker_helps_with_the_parts_of_the_only_page_and_the_order_stays(make: Make) -> None:
    parts = Parts()

    def work(_: Checkpoint, spread: Map) -> list[int]:
        return list(spread(parts, range(20)))

    (job,) = make(workers=2).submit("a", [Task(work)])

    assert job.future.result(WAIT) == [part * part for part in range(20)]
    assert len(parts.threads) == 2


def test_a_page_that_comes_waits_for_one_part_of_another_at_most(make: Make) -> None:
    scheduler, helper_in, helper_out = make(workers=2), threading.Event(), threading.Event()
    owner_out, helped = threading.Event(), []

    def part(number: int) -> None:
        if threading.get_ident() in owners:
            assert owner_out.wait(WAIT)
        else:
            helped.append(number)
            helper_in.set()
            assert helper_out.wait(WAIT)

    owners: list[int] = []

    def work(_: Checkpoint, spread: Map) -> None:
        owners.append(threading.get_ident())
        list(spread(part, range(9)))

    (page,) = scheduler.submit("a", [Task(work)])
    assert helper_in.wait(WAIT)
    (short,) = scheduler.submit("b", [task(lambda: len(helped))])
    helper_out.set()

    assert short.future.result(WAIT) == 1
    owner_out.set()
    page.future.result(WAIT)


def test_the_failure_of_a_part_is_the_pages_whoever_met_it(make: Make) -> None:
    scheduler = make(workers=3)

    def part(number: int) -> int:
        if number == 5:
            raise ValueError("broken line")
        return number

    def work(_: Checkpoint, spread: Map) -> list[int]:
        return list(spread(part, range(100)))

    for _ in range(20):
        with pytest.raises(ValueError, match="broken line"):
            scheduler.submit("a", [Task(work)])[0].future.result(WAIT)
    assert scheduler.alive
    assert scheduler.submit("b", [task(lambda: 1)])[0].future.result(WAIT) == 1


def test_a_page_that_is_given_up_stops_its_helpers_too(make: Make) -> None:
    scheduler, begun, go, done = make(workers=2), threading.Event(), threading.Event(), []

    def work(checkpoint: Checkpoint, spread: Map) -> None:
        def part(number: int) -> None:
            begun.set()
            assert go.wait(WAIT)
            checkpoint()
            done.append(number)

        list(spread(part, range(100)))

    jobs = scheduler.submit("a", [Task(work)])
    assert begun.wait(WAIT)
    scheduler.abandon(jobs)
    go.set()

    with pytest.raises(AbandonedError):
        jobs[0].future.result(WAIT)
    assert done == []


@given(st.integers(1, 3), st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=12))
def test_random_pages_with_parts_all_come_to_their_own_end(
    workers: int, pages: list[tuple[int, bool]]
) -> None:
    scheduler = Scheduler(workers, Bounds(99, HEAVY, wait_jobs=1e9), Clock())

    def work(parts: int) -> Callable[[Checkpoint, Map], list[int]]:
        return lambda _, spread: list(spread(lambda part: part + 1, range(parts)))

    jobs = [
        scheduler.submit(str(number % 3), [Task(work(parts), 1 + parts, (HEAVY + 1) * heavy)])
        for number, (parts, heavy) in enumerate(pages)
    ]
    scheduler.abandon(jobs[-1])
    scheduler.close()

    for (job,), (parts, _) in list(zip(jobs, pages, strict=True))[:-1]:
        assert job.future.result(0) == list(range(1, parts + 1))
    assert jobs[-1][0].future.done()
    assert (scheduler.depth, scheduler.running) == (0, 0)


def test_the_owner_of_a_batch_does_it_alone_when_nobody_helps() -> None:
    assert list(Batch(str, [1, 2, 3]).results()) == ["1", "2", "3"]
