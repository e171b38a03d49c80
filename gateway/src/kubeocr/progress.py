"""A bar on the standard error, when that is a terminal and there is something to wait for."""

import sys
from types import TracebackType
from typing import Self

CELLS = 24
CLEAR = "\r\x1b[K"


class Progress:
    """`with Progress(3) as progress: progress.show(1, "a.png")`."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._on = total > 1 and sys.stderr.isatty()

    def show(self, done: int, name: str) -> None:
        """So many are done, that one last."""
        filled = CELLS * done // self._total
        bar = "█" * filled + "░" * (CELLS - filled)
        self._write(f"{CLEAR}{bar} {done}/{self._total} {name[-40:]}")

    def clear(self) -> None:
        """Make room for a line."""
        self._write(CLEAR)

    def _write(self, text: str) -> None:
        if self._on:
            sys.stderr.write(text)
            sys.stderr.flush()

    def __enter__(self) -> Self:
        self.show(0, "")
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self.clear()
