"""A bounded queue in front of the threads that read pages.

Work that nobody waits for any more (the caller is gone, the deadline is over) leaves the queue at once and
stops at its next checkpoint. A full queue is said at once, with the time after which to come back.
"""

import math
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Generic, TypeVar

Checkpoint = Callable[[], None]
T = TypeVar("T")

_MAX_RETRY_AFTER = 60
_NEWEST_WEIGHT = 0.2  # of the latest job in the running mean of how long one takes


class QueueFullError(Exception):
    """There is no room; `retry_after` is whole seconds until there should be."""

    def __init__(self, capacity: int, retry_after: int) -> None:
        super().__init__(f"the queue of {capacity} images is full")
        self.capacity = capacity
        self.retry_after = retry_after


class DeadlineError(Exception):
    """The caller's deadline is over."""


class AbandonedError(Exception):
    """The caller is gone."""


class Job(Generic[T]):
    """One piece of work, and what the worker and the waiter tell each other about it."""

    def __init__(
        self, work: Callable[[Checkpoint], T], deadline: float | None, clock: Callable[[], float]
    ) -> None:
        self._work = work
        self._deadline = deadline
        self._clock = clock
        self._abandoned = threading.Event()
        self._submitted = clock()
        self.future: Future[T] = Future()
        self.queue_seconds = 0.0

    def abandon(self) -> None:
        """Nobody waits any more."""
        self._abandoned.set()
        self.future.cancel()

    def checkpoint(self) -> None:
        """Raise if the work is in vain.

        Raises:
            AbandonedError, DeadlineError
        """
        if self._abandoned.is_set():
            raise AbandonedError
        if self._deadline is not None and self._clock() >= self._deadline:
            raise DeadlineError

    def run(self) -> None:
        """Do the work; its result or exception goes to the future."""
        self.queue_seconds = self._clock() - self._submitted
        if not self.future.set_running_or_notify_cancel():
            return
        try:
            self.checkpoint()
            result = self._work(self.checkpoint)
        except BaseException as error:
            self.future.set_exception(error)
            if not isinstance(error, Exception):
                raise
        else:
            self.future.set_result(result)


class Scheduler:
    """`workers` threads that take jobs from a queue of `capacity`, first come, first served."""

    def __init__(self, workers: int, capacity: int, clock: Callable[[], float]) -> None:
        self.capacity = capacity
        self._clock = clock
        self._changed = threading.Condition()
        self._queue: deque[Job[object]] = deque()
        self._running = 0
        self._closed = False
        self._mean_seconds = 1.0
        self._threads = [threading.Thread(target=self._serve, name=f"reader-{n}") for n in range(workers)]
        for thread in self._threads:
            thread.start()

    @property
    def depth(self) -> int:
        """Jobs that wait."""
        return len(self._queue)

    @property
    def running(self) -> int:
        """Jobs that are being worked on."""
        return self._running

    @property
    def alive(self) -> bool:
        """Whether every worker still works."""
        return all(thread.is_alive() for thread in self._threads)

    def submit(
        self, works: Sequence[Callable[[Checkpoint], T]], deadline: float | None = None
    ) -> list[Job[T]]:
        """Queue all of the works or none; `deadline` is an instant of the clock.

        More works than the queue holds are still taken while nothing waits.

        Raises:
            QueueFullError: there is no room for them.
        """
        jobs = [Job(work, deadline, self._clock) for work in works]
        with self._changed:
            idle = len(self._threads) - self._running
            if self._queue and len(self._queue) + len(jobs) > self.capacity + idle:
                raise QueueFullError(self.capacity, self._retry_after())
            self._queue.extend(jobs)  # type: ignore[arg-type]  # the queue does not look at results
            self._changed.notify(len(jobs))
        return jobs

    def abandon(self, jobs: Sequence[Job[T]]) -> None:
        """Take the jobs back: what waits never starts, what runs stops at its next checkpoint."""
        gone = set(map(id, jobs))
        with self._changed:
            self._queue = deque(job for job in self._queue if id(job) not in gone)
        for job in jobs:
            job.abandon()

    def close(self) -> None:
        """Finish what is queued, then end the threads."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _retry_after(self) -> int:
        backlog = (len(self._queue) + self._running) * self._mean_seconds / len(self._threads)
        return min(_MAX_RETRY_AFTER, max(1, math.ceil(backlog)))

    def _serve(self) -> None:
        while (job := self._next()) is not None:
            start = self._clock()
            try:
                job.run()
            finally:
                with self._changed:
                    self._running -= 1
                    self._mean_seconds += _NEWEST_WEIGHT * (self._clock() - start - self._mean_seconds)

    def _next(self) -> Job[object] | None:
        with self._changed:
            while not self._queue:
                if self._closed:
                    return None
                self._changed.wait()
            self._running += 1
            return self._queue.popleft()
