"""How much the gateway holds at once: requests, bytes of bodies, pixels of decoded pages."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from ocr_gateway.access.caller import caller
from ocr_gateway.problems import Problem

RETRY_SECONDS = 2.0

T = TypeVar("T")


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
        self._max_requests = max_requests
        self._max_bytes = max_bytes
        self._client_share = client_share
        self._backlog = backlog
        self._requests: Counter[str] = Counter()
        self._bytes: Counter[str] = Counter()

    @contextmanager
    def admit(self) -> Iterator[Lease]:
        """Hold a request of the caller while the block runs.

        Raises:
            Problem: queue_full, tenant_busy.
        """
        client = caller().client
        self._add(self._requests, 1, self._max_requests, client, "requests")
        lease = Lease(self, client)
        try:
            yield lease
        finally:
            self._requests = _without(self._requests, client, 1)
            self._bytes = _without(self._bytes, client, lease.held)

    def take(self, size: int, client: str) -> None:
        """Add bytes. Raises Problem: queue_full, tenant_busy."""
        self._add(self._bytes, size, self._max_bytes, client, "bytes")

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


class PixelRoom:
    """Bounds the memory of decoded pages over all requests.

    One page is decoded at a time, and only while the decoded pages at hand are below `max_pixels`. Their
    sizes are known only after decoding, so they exceed it by at most one page.
    """

    def __init__(self, max_pixels: int) -> None:
        self._max_pixels = max_pixels
        self._pixels = 0
        self._decoder = asyncio.Lock()
        self._freed = asyncio.Event()

    async def decode(self, work: Callable[[], T], pixels_of: Callable[[T], int]) -> T:
        """Run `work` in a thread once there is room. Its pixels are held until `free`.

        A thread cannot be stopped, so a cancellation waits for it: the room stays true.
        """
        async with self._decoder:
            while self._pixels >= self._max_pixels:
                self._freed.clear()
                await self._freed.wait()
            thread = asyncio.get_running_loop().run_in_executor(None, work)
            try:
                done = await asyncio.shield(thread)
            except asyncio.CancelledError:
                await asyncio.wait({thread})
                thread.exception()
                raise
            self._pixels += pixels_of(done)
            return done

    def free(self, pixels: int) -> None:
        """These pixels are no longer held."""
        self._pixels -= pixels
        self._freed.set()
