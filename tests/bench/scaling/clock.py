"""An event loop whose time jumps to the next thing that is due."""

import asyncio
import selectors


class _Jumping(selectors.SelectSelector):
    """Never waits: what the loop would wait for passes at once."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("everything waits, and nothing is due")
        self.now += timeout
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """For code that waits for time and other tasks only: no sockets, threads or signals."""

    def __init__(self) -> None:
        self._selector_of_time = _Jumping()
        super().__init__(self._selector_of_time)

    def time(self) -> float:
        """Seconds of the simulation."""
        return self._selector_of_time.now
