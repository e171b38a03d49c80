"""The periodic look at everything, for what no event told."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Final, Generic

from ocr_operator.runtime.backoff import Backoff, jittered
from ocr_operator.runtime.queue import K, WorkQueue, loop_time

logger = logging.getLogger(__name__)

# Of so many rounds each key has its turn in one, whatever is known of it.
TURNS: Final = 12


class Resync(Generic[K]):
    """Enqueues every key at the start, then once each period, give or take a tenth, those with news.

    Later rounds have a share of the others, too, and are spread over half a period, so that a thousand keys
    are not a burst of requests.
    """

    def __init__(
        self,
        queue: WorkQueue[K],
        sweep: Callable[[], Awaitable[Mapping[K, bool]]],
        *,
        period_seconds: float,
        foreseen: type[Exception],
    ) -> None:
        """`sweep` returns all keys, each with whether something about it is new that no event told.

        A failure of the type `foreseen` is tried again soon.
        """
        self._queue = queue
        self._sweep = sweep
        self._period = period_seconds
        self._foreseen = foreseen
        self._backoff = Backoff(first_seconds=1.0, cap_seconds=60.0)
        self._round = 0
        self._wanted = asyncio.Event()
        self._last = loop_time()

    def request(self) -> None:
        """Enqueue everything now, as at the start."""
        self._wanted.set()

    def overdue_seconds(self) -> float:
        """For how long the next successful sweep has been due."""
        return max(0.0, loop_time() - self._last - 1.1 * self._period)

    async def run(self) -> None:
        """Sweep until cancelled."""
        everything = True
        while True:
            news = await self._until_swept()
            for key in news if everything else self._due(news):
                spread = 0.0 if everything else self._period / 2
                self._queue.add_after(key, random.uniform(0.0, spread))  # noqa: S311 - spreads load
            self._round += 1
            self._wanted.clear()
            try:
                async with asyncio.timeout(jittered(self._period, 0.1)):
                    await self._wanted.wait()
                everything = True
            except TimeoutError:
                everything = False

    def _due(self, news: Mapping[K, bool]) -> Iterator[K]:
        for key, is_new in news.items():
            if is_new or hash(key) % TURNS == self._round % TURNS:
                yield key

    async def _until_swept(self) -> Mapping[K, bool]:
        failures = 0
        while True:
            try:
                news = await self._sweep()
            except self._foreseen as error:
                failures += 1
                logger.warning("the list of all services failed: %s", error)
                await asyncio.sleep(self._backoff.delay(failures))
                continue
            self._last = loop_time()
            return news
