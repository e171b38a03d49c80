"""Workers: they take keys from the queue and reconcile them, for ever."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, Literal, Protocol

from ocr_operator.runtime.queue import K, WorkQueue

Result = Literal["success", "requeue_after", "error"]
logger = logging.getLogger(__name__)


class Outcome(Protocol):
    """What a reconcile that did not fail says."""

    @property
    def requeue_after(self) -> float | None:
        """Seconds until it wants to run again, if it does."""


@dataclass(frozen=True)
class Workers(Generic[K]):
    """`count` workers over one queue. An exception of `reconcile` is a retry, never a lost key."""

    queue: WorkQueue[K]
    reconcile: Callable[[K], Awaitable[Outcome]]
    # The seconds that a failure itself asks to wait (Retry-After).
    retry_after: Callable[[Exception], float | None]
    on_result: Callable[[Result, float], None]
    count: int = 4
    # More than any chain of requests that still makes progress needs.
    timeout_seconds: float = 180.0

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            for number in range(self.count):
                group.create_task(self._work(), name=f"worker {number}")

    async def _work(self) -> None:
        while True:
            key = await self.queue.get()
            try:
                await self._handle(key)
            finally:
                self.queue.done(key)

    async def _handle(self, key: K) -> None:
        started = time.perf_counter()
        result: Result
        try:
            async with asyncio.timeout(self.timeout_seconds):
                outcome = await self.reconcile(key)
        except Exception as error:  # noqa: BLE001 - whatever one key does, the others need their worker
            result = "error"
            self._failed(key, error)
        else:
            result = "success" if outcome.requeue_after is None else "requeue_after"
            self.queue.forget(key)
            if outcome.requeue_after is not None:
                self.queue.add_after(key, outcome.requeue_after)
        self.on_result(result, time.perf_counter() - started)

    def _failed(self, key: K, error: Exception) -> None:
        wait = self.retry_after(error)
        delay = self.queue.retry(key, wait or 0.0)
        # A failure that the reconciler foresaw needs no stack.
        foreseen = hasattr(error, "retry_after")
        logger.log(
            logging.WARNING if foreseen else logging.ERROR,
            "reconcile of %s failed, next try in %.1f s: %s",
            key,
            delay,
            str(error) or type(error).__name__,
            exc_info=None if foreseen else error,
            extra={"service": str(key)},
        )
