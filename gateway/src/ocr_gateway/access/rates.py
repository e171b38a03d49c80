"""How often one client may ask: a token bucket each."""

import math
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ocr_gateway.access.settings import Rate
from ocr_gateway.problems import Problem

# The longest unheard client beyond these is forgotten, and has a full bucket again.
MAX_CLIENTS = 10_000


@dataclass(frozen=True)
class Quota:
    """What is left of a client's rate: whole requests now, and the seconds until all of them are back."""

    rate: Rate
    left: float

    @property
    def headers(self) -> Mapping[str, str]:
        """As in draft-ietf-httpapi-ratelimit-headers-10."""
        window = math.ceil(self.rate.burst / self.rate.per_second)
        back = math.ceil((self.rate.burst - self.left) / self.rate.per_second)
        return {
            "RateLimit-Policy": f'"client";q={self.rate.burst};w={window}',
            "RateLimit": f'"client";r={max(0, math.floor(self.left))};t={back}',
        }


class Rates:
    """The buckets of all clients; each is filled by the clock and emptied by requests."""

    def __init__(self, rate: Rate, clock: Callable[[], float]) -> None:
        self._rate = rate
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, client: str) -> Quota:
        """Count one request.

        Raises:
            Problem: tenant_quota.
        """
        now = self._clock()
        left, since = self._buckets.pop(client, (float(self._rate.burst), now))
        left = min(self._rate.burst, left + (now - since) * self._rate.per_second)
        enough = left >= 1
        self._buckets[client] = (left - enough, now)
        if len(self._buckets) > MAX_CLIENTS:
            self._buckets.popitem(last=False)
        quota = Quota(self._rate, left - enough)
        if not enough:
            raise self._refusal(quota)
        return quota

    def _refusal(self, quota: Quota) -> Problem:
        rate = self._rate
        return Problem(
            "tenant_quota",
            f"This client may send {rate.per_second} requests a second, {rate.burst} at once. "
            "Wait as long as Retry-After says.",
            limit=rate.per_second,
            retry_after=(1 - quota.left) / rate.per_second,
            headers=quota.headers,
        )
