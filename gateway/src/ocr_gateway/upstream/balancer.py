"""Which model server gets the next request."""

import asyncio
import random
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal, get_args

from ocr_gateway.upstream.resolver import Endpoint

FIRST_EJECTION_SECONDS = 0.5
LONGEST_EJECTION_SECONDS = 8.0
# Of how many servers the less busy one is taken; they are among so many that are drawn, or among all.
CHOICES, DRAWN = 2, 8
# One or two may be the page's fault.
ERRORS_IN_A_ROW = 5

# Of connections that nothing answered: one packet may be lost.
SILENCES_IN_A_ROW = 2

# usable: gets requests; failing: only gets them when all do so; unready: says so itself; ejected: its
# connection failed a moment ago.
State = Literal["usable", "failing", "unready", "ejected"]
STATES: tuple[State, ...] = get_args(State)


@dataclass(eq=False)
class Replica:
    """What the gateway knows of one model server."""

    endpoint: Endpoint
    upstream: str = ""
    in_flight: int = 0
    attempts: set[asyncio.Timeout] = field(default_factory=set)  # what can end a request that is under way
    failures: int = 0
    silences: int = 0
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
    - Requests under way at a server that vanished without a word, as with its node, are given up: nothing
      else would end them.
    """

    def __init__(self, clock: Callable[[], float], chance: random.Random) -> None:
        self._clock = clock
        self._chance = chance
        self._replicas: dict[Endpoint, Replica] = {}
        self._of: dict[str, list[Replica]] = {}
        self._troubled: set[Replica] = set()  # all that may be ejected or unready
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
        return len(self._replicas) - sum(not self._is_usable(replica) for replica in self._troubled)

    def count(self, state: State) -> int:
        """Servers in that state now."""
        return sum(self._state(replica) == state for replica in self._replicas.values())

    def update(self, endpoints: Iterable[Endpoint], upstream: str = "") -> None:
        """Take over the endpoints that an upstream has now; what is known of those that stay is kept."""
        known = self._replicas
        others = {e: replica for e, replica in known.items() if replica.upstream != upstream}
        self._know(others | {e: known.get(e) or Replica(e, upstream) for e in sorted(endpoints)})
        if self._replicas.keys() - known.keys():
            self._notify()

    def keep(self, upstreams: Collection[str]) -> None:
        """Forget the endpoints of all other upstreams."""
        self._know({e: r for e, r in self._replicas.items() if r.upstream in upstreams})

    def pick(self, exclude: Collection[Replica] = (), upstream: str = "") -> Replica | None:
        """The server of that upstream for the next request, or None when there is none to try.

        The first two that can be used in a random order: the effort does not grow with the servers.
        """
        known = self._of.get(upstream, [])
        two = self._first(self._chance.sample(known, min(DRAWN, len(known))), exclude)
        if len(two) < CHOICES and len(known) > DRAWN:
            two = self._first(self._chance.sample(known, len(known)), exclude)
        return min(two, key=lambda one: (self._state(one) == "failing", one.in_flight), default=None)

    def _first(self, drawn: Iterable[Replica], exclude: Collection[Replica]) -> list[Replica]:
        usable = (one for one in drawn if one not in exclude and self._is_usable(one))
        return list(islice(usable, CHOICES))

    def _is_usable(self, replica: Replica) -> bool:
        return self._state(replica) in ("usable", "failing")

    def _state(self, replica: Replica) -> State:
        now = self._clock()
        if replica.ejected_until > now:
            return "ejected"
        if replica.ready is False:
            return "unready"
        return "failing" if replica.shunned_until > now else "usable"

    def failed(self, replica: Replica) -> None:
        """The connection failed: leave the server out for a moment."""
        replica.ejected_until = self._clock() + _pause(replica.failures)
        replica.failures += 1
        replica.ready = None
        self._doubt(replica)

    def silent(self, replica: Replica) -> None:
        """Nothing answered a connection, not even to refuse it."""
        self.failed(replica)
        replica.silences += 1
        if replica.silences >= SILENCES_IN_A_ROW:
            given_up, replica.attempts = replica.attempts, set()
            for attempt in given_up:
                attempt.reschedule(0.0)  # the past of every loop

    def answered(self, replica: Replica, *, well: bool) -> None:
        """The server answered: it is there. `well` is false for an error of its own."""
        self._is_there(replica)
        replica.errors = 0 if well else replica.errors + 1
        if replica.errors >= ERRORS_IN_A_ROW:
            replica.shunned_until = self._clock() + _pause(replica.errors - ERRORS_IN_A_ROW)

    def judged(self, replica: Replica, *, ready: bool) -> None:
        """The server's own word on its readiness; it ends an ejection."""
        news = ready and (not replica.ready or replica.failures)
        replica.ready = ready
        self._is_there(replica)
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
        replica.failures = replica.silences = 0
        replica.ejected_until = 0.0
        if replica.ready is False:
            self._doubt(replica)
        else:
            self._troubled.discard(replica)

    def _doubt(self, replica: Replica) -> None:
        if self._replicas.get(replica.endpoint) is replica:  # a request may outlive what is known
            self._troubled.add(replica)

    def _know(self, replicas: dict[Endpoint, Replica]) -> None:
        self._replicas = replicas
        self._troubled.intersection_update(replicas.values())
        self._of = {}
        for replica in replicas.values():
            self._of.setdefault(replica.upstream, []).append(replica)

    def _notify(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


def _pause(times: int) -> float:
    """Seconds that double with each time, up to a limit."""
    return float(min(LONGEST_EJECTION_SECONDS, FIRST_EJECTION_SECONDS * 2 ** min(times, 10)))
