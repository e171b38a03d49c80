"""How long a key that failed waits before its next try."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential in a key's failures in a row, capped, and spread so that keys don't come back together."""

    first_seconds: float = 0.5
    cap_seconds: float = 300.0
    spread: float = 0.2

    def delay(self, failures: int) -> float:
        """Seconds to wait after that many failures in a row (at least 1)."""
        exponent = min(failures - 1, 32)
        seconds = min(self.cap_seconds, self.first_seconds * 2.0**exponent)
        return jittered(seconds, self.spread)


def jittered(seconds: float, spread: float) -> float:
    """`seconds`, give or take the fraction `spread` of it."""
    return seconds * random.uniform(1 - spread, 1 + spread)  # noqa: S311 - spreads load, hides nothing


@dataclass(slots=True)
class Bucket:
    """A bound on retries of all keys together: `burst` at once, then `per_second`.

    When a whole cluster fails, a thousand keys that each back off politely still make a storm.
    """

    clock: Callable[[], float]
    per_second: float = 10.0
    burst: int = 100
    _free_at: float = field(default=float("-inf"), init=False)

    def reserve(self) -> float:
        """Take one place; the answer is how many seconds from now it comes up."""
        now = self.clock()
        gap = 1 / self.per_second
        self._free_at = max(self._free_at, now - self.burst * gap) + gap
        return max(0.0, self._free_at - now)
