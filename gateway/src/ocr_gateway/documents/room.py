"""The memory of decoded pages, over all requests."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class PixelRoom:
    """So many pixels are held at once, 3 bytes each; a larger page is let in when it is alone."""

    def __init__(self, max_pixels: int) -> None:
        self._max_pixels = max_pixels
        self._held = 0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._decoder = asyncio.Lock()

    async def take(self, pixels: int) -> None:
        """Hold so many pixels, once there is room; first come, first served."""
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append((pixels, turn))
        self._admit()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.free(pixels)
            self._admit()
            raise

    def free(self, pixels: int) -> None:
        """These pixels are no longer held."""
        self._held -= pixels
        self._admit()

    async def decode(self, work: Callable[[], T]) -> T:
        """Run `work` in a thread, one at a time: while an image is decoded it takes several times its pixels.

        A thread cannot be stopped, so a cancellation waits for it.
        """
        async with self._decoder:
            thread = asyncio.get_running_loop().run_in_executor(None, work)
            try:
                return await asyncio.shield(thread)
            except asyncio.CancelledError:
                await asyncio.wait({thread})
                thread.exception()
                raise

    def _admit(self) -> None:
        while self._waiting:
            pixels, turn = self._waiting[0]
            if not turn.cancelled():
                if self._held and self._held + pixels > self._max_pixels:
                    return
                self._held += pixels
                turn.set_result(None)
            self._waiting.popleft()
