"""How much the gateway holds at once: requests and the bytes of their bodies."""

from collections.abc import Iterator
from contextlib import contextmanager

from ocr_gateway.problems import Problem

RETRY_SECONDS = 2


class Lease:
    """One admitted request's share of the bytes."""

    def __init__(self, admission: "Admission") -> None:
        self._admission = admission
        self.held = 0

    def grow_to(self, size: int) -> None:
        """Hold `size` bytes in all.

        Raises:
            Problem: queue_full.
        """
        if size > self.held:
            self._admission.take(size - self.held)
            self.held = size


class Admission:
    """Counts the requests that hold a document and the bytes they hold; over the limit is 503, not a wait."""

    def __init__(self, *, max_requests: int, max_bytes: int) -> None:
        self._max_requests = max_requests
        self._max_bytes = max_bytes
        self._requests = 0
        self._bytes = 0

    @contextmanager
    def admit(self) -> Iterator[Lease]:
        """Hold a request while the block runs.

        Raises:
            Problem: queue_full.
        """
        if self._requests >= self._max_requests:
            raise _full(f"{self._requests} requests are being served", self._max_requests)
        self._requests += 1
        lease = Lease(self)
        try:
            yield lease
        finally:
            self._requests -= 1
            self._bytes -= lease.held

    def take(self, size: int) -> None:
        """Add bytes, or raise queue_full."""
        if self._bytes + size > self._max_bytes:
            raise _full(f"The requests being served hold {self._bytes} bytes", self._max_bytes)
        self._bytes += size


def _full(state: str, limit: int) -> Problem:
    return Problem(
        "queue_full",
        f"{state} and the gateway takes at most {limit}. Try again in {RETRY_SECONDS} s.",
        limit=limit,
        retry_after=RETRY_SECONDS,
    )
