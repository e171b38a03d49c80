"""Request bodies: bounded in size, in time, and in what all of them hold together."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from starlette.requests import Request

from ocr_modelserver.config import Config
from ocr_modelserver.errors import ServiceError

_CLOSE = {"Connection": "close"}  # the rest of the body is not read


class Reservation:
    """What one request holds of the budget, in bytes."""

    def __init__(self, budget: "Budget") -> None:
        self._budget = budget
        self.held = 0

    def grow(self, size: int) -> None:
        """Hold at least `size` bytes.

        Raises:
            ServiceError: queue_full, the other requests hold too much.
        """
        more = size - self.held
        if more <= 0:
            return
        if self._budget.held + more > self._budget.limit:
            raise ServiceError(
                "queue_full",
                f"The bodies of the requests at work fill the {self._budget.limit} bytes there are for them.",
                limit=self._budget.limit,
                actual=self._budget.held + more,
                headers={"Retry-After": "1", **_CLOSE},
            )
        self._budget.held += more
        self.held = size

    def shrink(self, size: int) -> None:
        """Hold only `size` bytes any more."""
        self._budget.held -= self.held - size
        self.held = size


class Budget:
    """Bytes that all bodies may take at once; for one event loop."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.held = 0

    @contextmanager
    def reserve(self) -> Iterator[Reservation]:
        """A reservation that is given back at the end of the block."""
        reservation = Reservation(self)
        try:
            yield reservation
        finally:
            self.held -= reservation.held


async def read_body(
    request: Request, limit: int, config: Config, reserve: Callable[[int], None]
) -> bytearray:
    """The body, at most `limit` bytes; `reserve` is told its size before it is there.

    Raises:
        ServiceError: body_too_large, body_timeout or queue_full.
        ClientDisconnect: the client is gone.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdigit():
        _check_size(int(declared), limit)
        reserve(int(declared))
    body = bytearray()
    stream = request.stream()
    try:
        async with asyncio.timeout(config.body_total_seconds):
            while True:
                async with asyncio.timeout(config.body_idle_seconds):
                    chunk = await anext(stream, None)
                if chunk is None:
                    return body
                _check_size(len(body) + len(chunk), limit)
                reserve(len(body) + len(chunk))
                body += chunk
    except TimeoutError:
        raise ServiceError(
            "body_timeout",
            f"The body stopped after {len(body)} bytes; send one without a pause of "
            f"{config.body_idle_seconds:g} s, and all of it in {config.body_total_seconds:g} s.",
            headers=_CLOSE,
        ) from None


async def until_disconnect(request: Request) -> None:
    """Return when the client is gone; for use after the body has been read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        raise ServiceError(
            "body_too_large",
            f"The body has {size} bytes or more; at most {limit} are read.",
            limit=limit,
            actual=size,
            headers=_CLOSE,
        )
