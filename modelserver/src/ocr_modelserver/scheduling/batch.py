"""The parts of one job, done by its owner and by whoever has nothing else to do."""

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar

A = TypeVar("A")
B = TypeVar("B")


class Batch(Generic[A, B]):
    """A function over items; each item is done once, by whichever thread takes it.

    The owner never waits for an item that nobody works on: it takes the next one itself. A helper holds
    nothing while it works. So there is no deadlock, whatever the other threads do.
    The first failure ends the batch: no further item is taken, and the owner raises it.
    """

    def __init__(self, function: Callable[[A], B], items: Sequence[A]) -> None:
        self._function = function
        self._items = items
        self._next = 0
        self._results: dict[int, B] = {}
        self._failure: BaseException | None = None
        self._changed = threading.Condition()

    @property
    def open(self) -> bool:
        """Whether an item waits for somebody."""
        return self._failure is None and self._next < len(self._items)

    def work(self) -> bool:
        """Do one item; False when none is left to take."""
        with self._changed:
            if not self.open:
                return False
            index = self._next
            self._next += 1
        try:
            result = self._function(self._items[index])
        except BaseException as error:
            with self._changed:
                self._failure = self._failure or error
                self._changed.notify_all()
            if not isinstance(error, Exception):
                raise
        else:
            with self._changed:
                self._results[index] = result
                self._changed.notify_all()
        return True

    def results(self) -> Iterator[B]:
        """The results in the items' order; for the owner, which works until the next one is there."""
        for index in range(len(self._items)):
            while not self._settled(index) and self.work():
                pass
            with self._changed:
                while not self._settled(index):
                    self._changed.wait()
                if self._failure is not None:
                    raise self._failure
                result = self._results.pop(index)
            yield result

    def _settled(self, index: int) -> bool:
        return index in self._results or self._failure is not None
