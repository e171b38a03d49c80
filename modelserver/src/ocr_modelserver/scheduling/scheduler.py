"""The threads that read pages, and what is let in to wait for them.

- A free worker takes the next job of the queue; only when there is none that may run does it help with the
  parts of a running one, one part at a time, so a job that comes waits for one part of another at most.
- A new request is taken while the wait for its first turn, as far as is known, is within the bound
  and its deadline. A request that has begun is not stopped half way by new ones: the bound is not for it.
- Work that nobody waits for any more leaves the queue at once and stops at its next checkpoint.

All state is guarded by one condition; no job and no part of one ever runs while it is held.
"""

import math
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from ocr_modelserver.scheduling.batch import Batch
from ocr_modelserver.scheduling.job import Clock, Job, Task
from ocr_modelserver.scheduling.pace import Pace
from ocr_modelserver.scheduling.queue import FairQueue

A = TypeVar("A")
B = TypeVar("B")
T = TypeVar("T")

_MAX_RETRY_AFTER = 60


class QueueFullError(Exception):
    """There is no room; `retry_after` is whole seconds until what waits and runs should be done."""

    def __init__(self, reason: str, retry_after: int) -> None:
        super().__init__(f"{reason}; try again in {retry_after} s")
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Bounds:
    """What may wait and what may run.

    `queue` jobs may wait. A new request is taken if its first turn comes after `wait_jobs` typical jobs at
    most, or within `wait_seconds`. At most `running` jobs run at a time, and of those with more than
    `heavy_pixels` one.

    Bounded by jobs of the usual length the wait keeps its proportion to what it is without overload, on fast
    and on slow machines (by queueing theory the 99th percentile at 80 % load is five to ten of them); where
    jobs are very short nobody minds a second.
    """

    queue: int
    heavy_pixels: int
    running: float = math.inf
    wait_jobs: float = 8.0
    wait_seconds: float = 1.0


class Scheduler:
    """`workers` threads behind a queue."""

    def __init__(self, workers: int, bounds: Bounds, clock: Clock) -> None:
        self.bounds = bounds
        self._clock = clock
        self._changed = threading.Condition()
        self._queue: FairQueue[Job[Any]] = FairQueue(bounds.heavy_pixels)
        self._running: dict[Job[Any], float] = {}  # since when
        self._shared: list[tuple[Job[Any], Batch[Any, Any]]] = []
        self._pace = Pace()
        self._closed = False
        self._threads = [threading.Thread(target=self._serve, name=f"reader-{n}") for n in range(workers)]
        for thread in self._threads:
            thread.start()

    @property
    def depth(self) -> int:
        """Jobs that wait."""
        return len(self._queue)

    @property
    def oldest_seconds(self) -> float:
        """How long the job that came first has waited; 0 when none waits."""
        with self._changed:
            now = self._clock()
            return max((now - job.submitted for job in self._queue.jobs), default=0.0)

    @property
    def running(self) -> int:
        """Jobs that are being worked on."""
        return len(self._running)

    @property
    def alive(self) -> bool:
        """Whether every worker still works."""
        return all(thread.is_alive() for thread in self._threads)

    @property
    def pixels(self) -> int:
        """Pixels of the pages that are being worked on."""
        with self._changed:
            return sum(job.pixels for job in self._running)

    @property
    def backlog_seconds(self) -> float:
        """In how many seconds all that waits and runs should be done."""
        with self._changed:
            return self._backlog()

    def submit(self, request: str, tasks: Sequence[Task[T]], deadline: float | None = None) -> list[Job[T]]:
        """Queue all of the tasks or none. `request` is who takes turns, `deadline` an instant of the clock.

        While nothing waits everything is taken, even more tasks than the queue holds.

        Raises:
            QueueFullError: there is no room for them, or their turn would come too late.
        """
        jobs = [Job(request, task, deadline, self._clock) for task in tasks]
        with self._changed:
            if len(self._queue):
                self._admit(jobs, deadline)
            self._queue.add(request, jobs)
            self._changed.notify(len(jobs))
        return jobs

    def abandon(self, jobs: Sequence[Job[T]]) -> None:
        """Take the jobs back: what waits never starts, what runs stops at its next checkpoint."""
        gone = set(map(id, jobs))
        with self._changed:
            self._queue.keep(lambda job: id(job) not in gone)
        for job in jobs:
            job.abandon()

    def close(self) -> None:
        """Finish what is queued, then end the threads."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _admit(self, jobs: Sequence[Job[T]], deadline: float | None) -> None:
        idle = min(len(self._threads), self.bounds.running) - len(self._running)
        if len(self._queue) + len(jobs) > self.bounds.queue + idle:
            raise self._full(f"{len(self._queue)} pages wait, and at most {self.bounds.queue} may")
        first = max(jobs, key=lambda job: job.size)
        wait = self._pace.seconds(self._queue.ahead_of(first)) / len(self._threads)
        if deadline is not None and wait > (left := deadline - self._clock()):
            raise self._full(f"the wait would be {wait:.1f} s, and the deadline is in {left:.1f} s")
        most = max(self.bounds.wait_seconds, self.bounds.wait_jobs * self._pace.typical_seconds)
        if wait > most and not self._has_begun(first.request):
            raise self._full(f"the wait would be {wait:.1f} s, and it may be {most:.1f} s")

    def _has_begun(self, request: str) -> bool:
        return any(job.request == request for job in (*self._running, *self._queue.jobs))

    def _full(self, reason: str) -> QueueFullError:
        return QueueFullError(reason, min(_MAX_RETRY_AFTER, max(1, math.ceil(self._backlog()))))

    def _backlog(self) -> float:
        now = self._clock()
        left = self._pace.seconds(sum(job.size for job in self._queue.jobs))
        for job, start in self._running.items():
            left += max(0.0, self._pace.seconds(job.size) - (now - start) - job.helped_seconds)
        return left / len(self._threads)

    def _serve(self) -> None:
        while (step := self._next()) is not None:
            step()

    def _next(self) -> Callable[[], None] | None:
        with self._changed:
            while True:
                if (job := self._pop()) is not None:
                    self._running[job] = now = self._clock()
                    job.queue_seconds = now - job.submitted
                    return partial(self._run, job)
                for owner, batch in self._shared:
                    if batch.open:
                        return partial(self._help, owner, batch)
                if self._closed and not len(self._queue):
                    return None
                self._changed.wait()

    def _pop(self) -> Job[Any] | None:
        if len(self._running) >= self.bounds.running:
            return None
        heavy_may = not any(job.pixels > self.bounds.heavy_pixels for job in self._running)
        return self._queue.pop(heavy=heavy_may)

    def _run(self, job: Job[Any]) -> None:
        finished = False
        try:
            finished = job.run(partial(self._spread, job))
        finally:
            with self._changed:
                spent = self._clock() - self._running.pop(job) + job.helped_seconds
                if finished:
                    self._pace.learn(spent, job.size)
                self._shared = [shared for shared in self._shared if shared[0] is not job]
                self._changed.notify_all()

    def _help(self, owner: Job[Any], batch: Batch[Any, Any]) -> None:
        start = self._clock()
        batch.work()
        with self._changed:
            owner.helped_seconds += self._clock() - start

    def _spread(self, owner: Job[Any], function: Callable[[A], B], items: Iterable[A], /) -> Iterator[B]:
        """The builtin `map`, with idle workers helping."""
        batch = Batch(function, list(items))
        with self._changed:
            self._shared.append((owner, batch))
            self._changed.notify_all()
        return batch.results()
