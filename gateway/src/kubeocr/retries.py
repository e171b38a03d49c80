"""When a call is made again, and after how long."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from kubeocr.errors import OcrError

AGAIN = frozenset({429, 503})
FIRST_SECONDS = 0.5
# Clients that were refused together do not come back together.
JITTER = 0.25


@dataclass(frozen=True)
class Retries:
    """At most `attempts` calls; a server that wants a pause of more than `longest_seconds` is left alone."""

    attempts: int = 5
    longest_seconds: float = 60

    def pause(self, error: OcrError, attempt: int) -> float | None:
        """Seconds until the next call, after `attempt` calls of which the last gave `error`; None: no more.

        Only refusals of a server that is full or not ready, and connections that failed, are worth another
        call. Reading has no effect, so it may be repeated.
        """
        worth = error.status in AGAIN or error.code == "connection_failed"
        if not worth or attempt >= self.attempts:
            return None
        told = error.retry_after
        seconds = FIRST_SECONDS * 2 ** (attempt - 1) if told is None else told
        if seconds > self.longest_seconds:
            return None
        return seconds * (1 + random.uniform(0, JITTER))  # noqa: S311 - no secret


def seconds_of(retry_after: str | None) -> float | None:
    """The Retry-After header, seconds or a date (RFC 9110, 10.2.3); None when there is none to be read."""
    if retry_after is None:
        return None
    if retry_after.strip().isdecimal():
        return float(retry_after)
    try:
        until = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(0.0, (until - datetime.now(UTC)).total_seconds())
