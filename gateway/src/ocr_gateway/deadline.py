"""The time a request has left."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from ocr_gateway.problems import Problem


@dataclass(frozen=True)
class Deadline:
    """A moment on the event loop's clock; `seconds` is what the request was given, for messages."""

    at: float
    seconds: float

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        """The deadline of a request that begins now."""
        return cls(asyncio.get_running_loop().time() + seconds, seconds)

    def within(self, milliseconds: int | None) -> "Deadline":
        """The same, or that of a request from the same beginning with less time."""
        if milliseconds is None or milliseconds / 1000 >= self.seconds:
            return self
        return Deadline(self.at - self.seconds + milliseconds / 1000, milliseconds / 1000)

    def remaining(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self.at - asyncio.get_running_loop().time())

    @asynccontextmanager
    async def enforced(self) -> AsyncIterator[None]:
        """Cancel the block when the deadline passes.

        Raises:
            Problem: deadline_exceeded.
        """
        try:
            async with asyncio.timeout_at(self.at) as scope:
                yield
        except TimeoutError:
            if not scope.expired():
                raise
            raise Problem(
                "deadline_exceeded",
                f"No answer within {self.seconds:g} s; the work was cancelled. "
                "Send fewer or smaller pages, or try again when the service is less busy.",
                limit=self.seconds,
            ) from None
