"""Whose page goes to the model servers next."""

import asyncio
import itertools
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from ocr_gateway.deadline import Deadline
from ocr_gateway.problems import Problem

# Pages at one model server, its queue included: where to begin, and the bounds of what is learned.
FIRST_WINDOW, LEAST_WINDOW, LARGEST_WINDOW = 4.0, 2.0, 64.0
# Weight of the newest call in the mean times.
NEWEST = 0.1
# How long a page may have to wait: that of so many pages' work, or a second where pages are short.
MOST_PAGES, MOST_SECONDS = 2.0, 1.0


class FairQueue:
    """Lets pass as many pages as keep the model servers busy; the others wait here, where order is chosen.

    - The next page is of the client with the fewest pages at the model servers, of several the one that was
      not served for the longest time. So two hundred pages of one delay another's single one by one page.
    - How many pages a model server holds is learned from the time that pages wait there: more, while pages
      wait here and hardly there; fewer, once a page waits longer than it is worked on.
    - A page that would not get its turn before its deadline is refused at once, and so is one that would wait
      far longer than pages take (`MOST_PAGES`), unless it is `patient`: a page of a document waits for the
      others of it anyway, while the client of a single one is better told early.
    """

    def __init__(self, servers: Callable[[], int]) -> None:
        self._servers = servers
        self._window = FIRST_WINDOW
        self._mean_seconds = self._mean_work = 0.0
        self._running: Counter[str] = Counter()
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}
        self._served: dict[str, int] = {}
        self._turns = itertools.count(1)

    @property
    def waiting(self) -> int:
        """Pages that wait here."""
        return sum(map(len, self._waiting.values()))

    @property
    def backlog_seconds(self) -> float:
        """Time until all that is here and at the model servers is read."""
        return (self.waiting + self._running.total()) * self._mean_seconds / self._capacity

    @asynccontextmanager
    async def turn(self, client: str, deadline: Deadline, *, patient: bool) -> AsyncIterator[None]:
        """Hold a place at the model servers.

        Raises:
            Problem: queue_full, when the turn would come too late.
        """
        await self._enter(client, deadline, patient=patient)
        try:
            yield
        finally:
            self._leave(client)

    def learn(self, seconds: float, queued: float) -> None:
        """A call took `seconds`, `queued` of them in the model server's queue."""
        work, step = seconds - queued, 1 / self._capacity
        weight = NEWEST if self._mean_seconds else 1
        self._mean_seconds += weight * (seconds - self._mean_seconds)
        self._mean_work += weight * (work - self._mean_work)
        if self._waiting and queued < work / 4:
            self._window = min(LARGEST_WINDOW, self._window + step)
        elif queued > work:
            self._window = max(LEAST_WINDOW, self._window - step)

    @property
    def _capacity(self) -> float:
        return max(1, self._servers()) * self._window

    @property
    def _open(self) -> bool:
        """Without a model server nobody is served sooner by letting others wait."""
        return self._servers() == 0 or self._running.total() < int(self._capacity)

    async def _enter(self, client: str, deadline: Deadline, *, patient: bool) -> None:
        if self._open and not self._waiting:
            self._serve(client)
            return
        self._refuse_late(client, deadline, patient=patient)
        turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(client, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._forget(client, turn)
            else:
                self._leave(client)
            raise

    def _refuse_late(self, client: str, deadline: Deadline, *, patient: bool) -> None:
        """By the pages of this client before it, and as many of each other client that waits."""
        before = len(self._waiting.get(client, ())) + 1
        ahead = sum(min(before, len(turns)) for turns in self._waiting.values()) + 1
        wait = ahead * self._mean_seconds / self._capacity
        left = deadline.remaining()
        most = left if patient else min(left, max(MOST_SECONDS, MOST_PAGES * self._mean_work))
        if wait > most:
            advice = "later, or with a longer deadline" if most == left else "later"
            raise Problem(
                "queue_full",
                f"{self.waiting} pages wait, and this one would get its turn after about {wait:.1f} s; "
                f"it may wait {most:.1f} s. Try again {advice}.",
                retry_after=self.backlog_seconds,
            )

    def _serve(self, client: str) -> None:
        self._running[client] += 1
        self._served[client] = next(self._turns)

    def _leave(self, client: str) -> None:
        self._running[client] -= 1
        if not self._running[client]:
            del self._running[client]
            if client not in self._waiting:
                del self._served[client]
        while self._waiting and self._open:
            chosen = min(self._waiting, key=lambda c: (self._running[c], self._served.get(c, 0)))
            turn = self._waiting[chosen].popleft()
            if not self._waiting[chosen]:
                del self._waiting[chosen]
            if not turn.cancelled():
                self._serve(chosen)
                turn.set_result(None)

    def _forget(self, client: str, turn: asyncio.Future[None]) -> None:
        turns = self._waiting.get(client)
        if turns and turn in turns:
            turns.remove(turn)
            if not turns:
                del self._waiting[client]
                if not self._running[client]:
                    self._served.pop(client, None)
