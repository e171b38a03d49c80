"""Which model server gets the next request."""

import asyncio
import random
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from ocr_gateway.upstream.resolver import Endpoint

FIRST_EJECTION_SECONDS = 0.5
LONGEST_EJECTION_SECONDS = 8.0


@dataclass(eq=False)
class Replica:
    """What the gateway knows of one model server."""

    endpoint: Endpoint
    in_flight: int = 0
    failures: int = 0
    ejected_until: float = 0.0
    ready: bool | None = None  # None: not asked yet


class Balancer:
    """The known model servers and the choice among them.

    - Least requests in flight of two taken at random: close to the best choice, without the herd that
      follows one global minimum (Mitzenmacher, "The power of two choices").
    - A server whose connection failed is left out for a moment that doubles with each failure in a row.
    - A server that says it is not ready is left out until it says otherwise.
    """

    def __init__(self, clock: Callable[[], float], chance: random.Random) -> None:
        self._clock = clock
        self._chance = chance
        self._replicas: dict[Endpoint, Replica] = {}
        self._changed = asyncio.Event()

    @property
    def replicas(self) -> tuple[Replica, ...]:
        return tuple(self._replicas.values())

    @property
    def any_ready(self) -> bool:
        return any(replica.ready for replica in self._replicas.values())

    @property
    def usable(self) -> int:
        """Servers that a request may be sent to now."""
        return len(self._usable())

    def update(self, endpoints: Iterable[Endpoint]) -> None:
        """Take over the endpoints that exist now; what is known of those that stay is kept."""
        known = self._replicas
        self._replicas = {e: known.get(e) or Replica(e) for e in sorted(endpoints)}
        if self._replicas.keys() - known.keys():
            self._notify()

    def pick(self, exclude: Collection[Replica] = ()) -> Replica | None:
        """The server for the next request, or None when there is none to try."""
        usable = self._usable(exclude)
        two = self._chance.sample(usable, min(2, len(usable)))
        return min(two, key=lambda replica: replica.in_flight, default=None)

    def _usable(self, exclude: Collection[Replica] = ()) -> list[Replica]:
        now = self._clock()
        return [
            replica
            for replica in self._replicas.values()
            if replica.ready is not False and replica.ejected_until <= now and replica not in exclude
        ]

    def failed(self, replica: Replica) -> None:
        """The connection failed: leave the server out for a moment."""
        pause = min(LONGEST_EJECTION_SECONDS, FIRST_EJECTION_SECONDS * 2**replica.failures)
        replica.failures = min(replica.failures + 1, 10)
        replica.ejected_until = self._clock() + pause
        replica.ready = None

    def answered(self, replica: Replica) -> None:
        """The server answered: it is there."""
        replica.failures = 0
        replica.ejected_until = 0.0

    def judged(self, replica: Replica, *, ready: bool) -> None:
        """The server's own word on its readiness; it ends an ejection."""
        news = ready and (not replica.ready or replica.failures)
        self.answered(replica)
        replica.ready = ready
        if news:
            self._notify()

    async def wait_for_change(self, seconds: float) -> None:
        """Until a server appears or becomes ready, at most `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return

    def _notify(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
