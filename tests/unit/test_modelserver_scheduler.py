"""The bounded queue in front of the reading threads."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError

import pytest

from ocr_modelserver.scheduler import AbandonedError, Checkpoint, DeadlineError, QueueFullError, Scheduler

WAIT = 30


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

    def __call__(self, checkpoint: Checkpoint) -> str:
        self.started.set()
        assert self.open.wait(WAIT)
        checkpoint()
        return "done"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make(clock: Clock) -> Iterator[Callable[[int, int], Scheduler]]:
    """Schedulers that end with the test."""
    made: list[Scheduler] = []

    def make_one(workers: int, capacity: int) -> Scheduler:
        made.append(Scheduler(workers, capacity, clock))
        return made[-1]

    yield make_one
    for scheduler in made:
        scheduler.close()


Make = Callable[[int, int], Scheduler]


def test_jobs_of_one_worker_run_in_the_order_they_came(make: Make) -> None:
    order: list[int] = []
    jobs = make(1, 9).submit([lambda _, n=n: order.append(n) for n in range(5)])

    for job in jobs:
        job.future.result(WAIT)

    assert order == list(range(5))


def test_a_full_queue_refuses_and_takes_again_when_there_is_room(make: Make) -> None:
    scheduler, gate = make(1, 2), Gate()
    (running,) = scheduler.submit([gate])
    assert gate.started.wait(WAIT)
    waiting = scheduler.submit([lambda _: "second", lambda _: "third"])

    with pytest.raises(QueueFullError) as caught:
        scheduler.submit([lambda _: "fourth"])
    gate.open.set()

    assert caught.value.capacity == 2
    assert [job.future.result(WAIT) for job in [running, *waiting]] == ["done", "second", "third"]
    assert scheduler.submit([lambda _: "fifth"])[0].future.result(WAIT) == "fifth"


def test_all_of_a_request_is_taken_or_none(make: Make) -> None:
    scheduler, gate = make(1, 3), Gate()
    scheduler.submit([gate])
    assert gate.started.wait(WAIT)
    scheduler.submit([lambda _: None] * 2)

    with pytest.raises(QueueFullError):
        scheduler.submit([lambda _: None] * 2)

    assert scheduler.depth == 2
    gate.open.set()


def test_a_request_larger_than_the_queue_is_taken_while_nothing_waits(make: Make) -> None:
    jobs = make(1, 1).submit([lambda _: 1] * 4)

    assert [job.future.result(WAIT) for job in jobs] == [1, 1, 1, 1]


def test_the_time_to_come_back_grows_with_the_backlog(make: Make, clock: Clock) -> None:
    scheduler = make(1, 20)

    def slow(_: Checkpoint) -> None:
        clock.now += 10

    for _ in range(20):
        scheduler.submit([slow])[0].future.result(WAIT)
    gate = Gate()
    scheduler.submit([gate])
    assert gate.started.wait(WAIT)
    scheduler.submit([lambda _: None] * 20)

    with pytest.raises(QueueFullError) as caught:
        scheduler.submit([lambda _: None])
    gate.open.set()

    assert caught.value.retry_after == 60


def test_abandoned_work_that_waits_never_starts(make: Make) -> None:
    scheduler, gate, ran = make(1, 9), Gate(), threading.Event()
    scheduler.submit([gate])
    assert gate.started.wait(WAIT)
    jobs = scheduler.submit([lambda _: ran.set()] * 3)

    scheduler.abandon(jobs)

    assert scheduler.depth == 0
    gate.open.set()
    scheduler.submit([lambda _: None])[0].future.result(WAIT)
    assert not ran.is_set()
    with pytest.raises(CancelledError):
        jobs[0].future.result(WAIT)


def test_abandoned_work_that_runs_stops_at_its_checkpoint(make: Make) -> None:
    scheduler, gate = make(1, 9), Gate()
    jobs = scheduler.submit([gate])
    assert gate.started.wait(WAIT)

    scheduler.abandon(jobs)
    gate.open.set()

    with pytest.raises(AbandonedError):
        jobs[0].future.result(WAIT)


def test_work_whose_deadline_is_over_does_not_start(make: Make, clock: Clock) -> None:
    scheduler, gate, ran = make(1, 9), Gate(), threading.Event()
    scheduler.submit([gate])
    assert gate.started.wait(WAIT)
    (late,) = scheduler.submit([lambda _: ran.set()], deadline=5.0)

    clock.now = 5.0
    gate.open.set()

    with pytest.raises(DeadlineError):
        late.future.result(WAIT)
    assert not ran.is_set()
    assert late.queue_seconds == 5.0


def test_a_failure_goes_to_its_caller_and_the_worker_goes_on(make: Make) -> None:
    scheduler = make(1, 9)

    def fail(_: Checkpoint) -> None:
        raise ValueError("broken page")

    (failed,) = scheduler.submit([fail])
    with pytest.raises(ValueError, match="broken page"):
        failed.future.result(WAIT)

    assert scheduler.alive
    assert scheduler.submit([lambda _: 1])[0].future.result(WAIT) == 1


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_dead_worker_is_seen(make: Make) -> None:
    scheduler = make(2, 9)

    class WorkerEnd(BaseException):
        pass

    def die(_: Checkpoint) -> None:
        raise WorkerEnd

    (job,) = scheduler.submit([die])
    with pytest.raises(WorkerEnd):
        job.future.result(WAIT)
    scheduler.close()

    assert not scheduler.alive


def test_closing_finishes_what_is_queued(clock: Clock) -> None:
    scheduler = Scheduler(2, 9, clock)
    jobs = scheduler.submit([lambda _: 1] * 6)

    scheduler.close()

    assert [job.future.result(0) for job in jobs] == [1] * 6
