"""How much the gateway holds at once: requests and the bytes of their bodies."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ocr_gateway.access.caller import caller
from ocr_gateway.problems import Problem

RETRY_SECONDS = 2.0


class Lease:
    """One admitted request's share of the bytes."""

    def __init__(self, admission: "Admission", client: str) -> None:
        self._admission = admission
        self._client = client
        self.held = 0

    def grow_to(self, size: int) -> None:
        """Hold `size` bytes in all.

        Raises:
            Problem: queue_full.
        """
        if size > self.held:
            self._admission.take(size - self.held, self._client)
            self.held = size


class Admission:
    """Counts the requests that hold a document and the bytes they hold; over the limit is an answer, no wait.

    One client may hold `client_share` of both. `backlog` gives the seconds until what is held will be done.
    """

    def __init__(
        self,
        *,
        max_requests: int,
        max_bytes: int,
        client_share: float = 1,
        backlog: Callable[[], float] = lambda: 0,
    ) -> None:
        self.max_requests = max_requests
        self.max_bytes = max_bytes
        self._client_share = client_share
        self._backlog = backlog
        self._requests: Counter[str] = Counter()
        self._bytes: Counter[str] = Counter()

    @property
    def requests(self) -> int:
        """Requests held now."""
        return self._requests.total()

    @property
    def bytes(self) -> int:
        """Bytes held now."""
        return self._bytes.total()

    @contextmanager
    def admit(self) -> Iterator[Lease]:
        """Hold a request of the caller while the block runs.

        Raises:
            Problem: queue_full, tenant_busy.
        """
        client = caller().client
        self._add(self._requests, 1, self.max_requests, client, "requests")
        lease = Lease(self, client)
        try:
            yield lease
        finally:
            self._requests = _without(self._requests, client, 1)
            self._bytes = _without(self._bytes, client, lease.held)

    def take(self, size: int, client: str) -> None:
        """Add bytes. Raises Problem: queue_full, tenant_busy."""
        self._add(self._bytes, size, self.max_bytes, client, "bytes")

    def _add(self, held: Counter[str], more: int, limit: int, client: str, unit: str) -> None:
        own = int(limit * self._client_share)
        for code, holder, now, most in (
            ("queue_full", "all clients", held.total(), limit),
            ("tenant_busy", "this client", held[client], own),
        ):
            if now + more > most:
                raise Problem(
                    code,
                    f"The gateway holds {now} {unit} of {holder} and takes at most {most}. "
                    "Wait as long as Retry-After says.",
                    limit=most,
                    retry_after=max(RETRY_SECONDS, self._backlog()),
                )
        held[client] += more


def _without(held: Counter[str], client: str, amount: int) -> Counter[str]:
    """Less of that client; a client that holds nothing is forgotten."""
    held[client] -= amount
    return +held
