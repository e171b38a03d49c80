"""Which model server gets the next request."""

import asyncio
import random
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from ocr_gateway.upstream.resolver import Endpoint

FIRST_EJECTION_SECONDS = 0.5
LONGEST_EJECTION_SECONDS = 8.0
# One or two may be the page's fault.
ERRORS_IN_A_ROW = 5


@dataclass(eq=False)
class Replica:
    """What the gateway knows of one model server."""

    endpoint: Endpoint
    in_flight: int = 0
    failures: int = 0
    ejected_until: float = 0.0
    errors: int = 0
    shunned_until: float = 0.0
    ready: bool | None = None  # None: not asked yet


class Balancer:
    """The known model servers and the choice among them.

    - Least requests in flight of two taken at random: close to the best choice, without the herd that
      follows one global minimum (Mitzenmacher, "The power of two choices").
    - A server whose connection failed is left out for a moment that doubles with each failure in a row.
    - A server that says it is not ready is left out until it says otherwise.
    - A server that answers with one error after the other, fast and therefore never busy, is only taken
      before one that does so, too, for a moment that grows the same way.
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
        now = self._clock()
        return min(two, key=lambda one: (one.shunned_until > now, one.in_flight), default=None)

    def _usable(self, exclude: Collection[Replica] = ()) -> list[Replica]:
        now = self._clock()
        return [
            replica
            for replica in self._replicas.values()
            if replica.ready is not False and replica.ejected_until <= now and replica not in exclude
        ]

    def failed(self, replica: Replica) -> None:
        """The connection failed: leave the server out for a moment."""
        replica.ejected_until = self._clock() + _pause(replica.failures)
        replica.failures += 1
        replica.ready = None

    def answered(self, replica: Replica, *, well: bool) -> None:
        """The server answered: it is there. `well` is false for an error of its own."""
        self._is_there(replica)
        replica.errors = 0 if well else replica.errors + 1
        if replica.errors >= ERRORS_IN_A_ROW:
            replica.shunned_until = self._clock() + _pause(replica.errors - ERRORS_IN_A_ROW)

    def judged(self, replica: Replica, *, ready: bool) -> None:
        """The server's own word on its readiness; it ends an ejection."""
        news = ready and (not replica.ready or replica.failures)
        self._is_there(replica)
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

    def _is_there(self, replica: Replica) -> None:
        replica.failures = 0
        replica.ejected_until = 0.0

    def _notify(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


def _pause(times: int) -> float:
    """Seconds that double with each time, up to a limit."""
    return float(min(LONGEST_EJECTION_SECONDS, FIRST_EJECTION_SECONDS * 2 ** min(times, 10)))
