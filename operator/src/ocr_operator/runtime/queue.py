"""The coalescing work queue, with the rules of client-go's `util/workqueue`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from ocr_operator.runtime.backoff import Backoff, Bucket

K = TypeVar("K", bound=Hashable)


def loop_time() -> float:
    """Seconds on the clock of the running event loop."""
    return asyncio.get_running_loop().time()


class WorkQueue(Generic[K]):
    """Keys that need work.

    - A key that waits is not added twice: a hundred events are one piece of work.
    - A key that is being worked on is never given to a second worker; added meanwhile, it comes again after.
    - `add_after` keeps the earliest time asked for; a failure waits longer each time, until `forget`.
    """

    def __init__(
        self, *, backoff: Backoff | None = None, on_wait: Callable[[float], None] = lambda _: None
    ) -> None:
        """`on_wait` is told how many seconds a key waited when a worker takes it."""
        self._backoff = backoff or Backoff()
        self._bucket = Bucket(loop_time)
        self._on_wait = on_wait
        self._ready: asyncio.Queue[K] = asyncio.Queue()
        self._dirty: dict[K, float] = {}
        self._processing: set[K] = set()
        self._timers: dict[K, asyncio.TimerHandle] = {}
        self._failures: dict[K, int] = {}
        self._last_taken = float("-inf")

    def __len__(self) -> int:
        """How many keys wait for a worker now."""
        return self._ready.qsize()

    def add(self, key: K) -> None:
        """Want work on the key now."""
        if key in self._dirty:
            return
        self._dirty[key] = loop_time()
        if key not in self._processing:
            self._ready.put_nowait(key)

    def add_after(self, key: K, seconds: float) -> None:
        """Want work on the key in `seconds` at the latest."""
        if seconds <= 0:
            self._fire(key)
            return
        timer = self._timers.get(key)
        if timer is not None:
            if timer.when() <= loop_time() + seconds:
                return
            timer.cancel()
        self._timers[key] = asyncio.get_running_loop().call_later(seconds, self._fire, key)

    def _fire(self, key: K) -> None:
        timer = self._timers.pop(key, None)
        if timer is not None:
            timer.cancel()
        self.add(key)

    def retry(self, key: K, at_least: float = 0.0) -> float:
        """Want work on a key that failed, after its backoff and at least so many seconds: the answer."""
        self._failures[key] = self._failures.get(key, 0) + 1
        seconds = max(self._backoff.delay(self._failures[key]), self._bucket.reserve(), at_least)
        self.add_after(key, seconds)
        return seconds

    def forget(self, key: K) -> None:
        """The key did not fail: its next failure waits as briefly as a first one."""
        self._failures.pop(key, None)

    async def get(self) -> K:
        """Wait for a key and take it; `done` gives it back."""
        key = await self._ready.get()
        self._last_taken = loop_time()
        self._on_wait(self._last_taken - self._dirty.pop(key))
        self._processing.add(key)
        return key

    def done(self, key: K) -> None:
        """The work on a key from `get` is over; if it was added meanwhile, it waits again."""
        self._processing.discard(key)
        if key in self._dirty:
            self._ready.put_nowait(key)

    def stalled_seconds(self) -> float:
        """For how long a key has been ready while no worker took any; 0 while there is nothing to take."""
        waiting = [since for key, since in self._dirty.items() if key not in self._processing]
        if not waiting:
            return 0.0
        return loop_time() - max(min(waiting), self._last_taken)

    def close(self) -> None:
        """Drop all timers; nothing comes up any more."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
