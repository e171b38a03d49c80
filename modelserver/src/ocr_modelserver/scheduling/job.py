"""One piece of work, and what its worker and its waiter tell each other about it."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from ocr_modelserver.spread import Map

Checkpoint = Callable[[], None]
Clock = Callable[[], float]
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class DeadlineError(Exception):
    """The caller's deadline is over."""


class AbandonedError(Exception):
    """The caller is gone."""


class Work(Protocol[T_co]):
    """Calls `checkpoint` now and then, which raises to give up, and may spread its parts with `spread`."""

    def __call__(self, checkpoint: Checkpoint, spread: Map, /) -> T_co: ...


@dataclass(frozen=True, slots=True)
class Task(Generic[T]):
    """Work with its expected size, in units of about equal time, and the pixels that it decodes."""

    work: Work[T]
    size: float = 1.0
    pixels: int = 0


class Job(Generic[T]):
    """A task of a request that has been submitted."""

    def __init__(self, request: str, task: Task[T], deadline: float | None, clock: Clock) -> None:
        self.request = request
        self.size = task.size
        self.pixels = task.pixels
        self.future: Future[T] = Future()
        self.submitted = clock()
        self.queue_seconds = 0.0  # known when its turn has come
        self.helped_seconds = 0.0
        self._work = task.work
        self._deadline = deadline
        self._clock = clock
        self._abandoned = threading.Event()

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

    def run(self, spread: Map) -> bool:
        """Do the work; its result or exception goes to the future. Whether there is a result."""
        if not self.future.set_running_or_notify_cancel():
            return False
        try:
            self.checkpoint()
            result = self._work(self.checkpoint, spread)
        except BaseException as error:
            self.future.set_exception(error)
            if not isinstance(error, Exception):
                raise
            return False
        self.future.set_result(result)
        return True
