"""A worker as seen from outside: pages in, readings out, within a time."""

import json
import select
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

from tests.bench.sheet import Line

LOAD_SECONDS = 180.0
PAGE_SECONDS = 180.0


@dataclass(frozen=True, slots=True)
class Reading:
    """What an engine made of one page, and its cost. `error` says why there is nothing."""

    lines: tuple[Line, ...] = ()
    text: str | None = None
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    error: str = ""


class ChildError(Exception):
    """The worker died or did not answer in time."""


class Child:
    """One worker process on some cores; a context manager that leaves no process."""

    def __init__(self, command: list[str], cores: list[int], log: Path) -> None:
        """Start it and wait until the engine is loaded.

        Raises:
            ChildError: it does not start.
        """
        self._log = log
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                [*command, ",".join(map(str, cores))],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
        try:
            self._answer(LOAD_SECONDS)
        except ChildError:
            self.__exit__()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def read(self, path: Path, language: str) -> Reading:
        """Have one page read.

        Raises:
            ChildError: it died or hangs; the child is of no use any more.
        """
        try:
            self._pipe(self._process.stdin).write(
                json.dumps({"path": str(path), "language": language}).encode() + b"\n"
            )
            self._pipe(self._process.stdin).flush()
        except OSError as error:
            raise ChildError(f"died: {error}; {self._last_words()}") from None
        return reading(self._answer(PAGE_SECONDS))

    def end(self) -> int:
        """Let it end by itself; its peak resident memory in bytes.

        Raises:
            ChildError: it died before.
        """
        self._pipe(self._process.stdin).close()
        peak = int(self._answer(PAGE_SECONDS)["peak_rss"])
        self._process.stdin = None
        return peak

    def _answer(self, seconds: float) -> dict[str, Any]:
        out = self._pipe(self._process.stdout)
        if not select.select([out], [], [], seconds)[0]:
            raise ChildError(f"hung: no answer in {seconds:.0f} s")
        line = out.readline()
        if not line.endswith(b"\n"):
            raise ChildError(f"died with status {self._process.wait()}; {self._last_words()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _last_words(self) -> str:
        lines = self._log.read_text(errors="replace").strip().splitlines()
        return lines[-1][:200] if lines else "it said nothing"

    @staticmethod
    def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
        assert pipe is not None
        return pipe


def reading(answer: dict[str, Any]) -> Reading:
    """A worker's answer to a page."""
    if "error" in answer:
        return Reading(error=answer["error"])
    return Reading(
        tuple(line_of(line) for line in answer["lines"]),
        answer["text"],
        answer["seconds"],
        answer["cpu_seconds"],
    )


def line_of(line: dict[str, Any]) -> Line:
    """A line out of JSON."""
    a, b, c, d = ((float(x), float(y)) for x, y in line["polygon"])
    return Line(line["text"], (a, b, c, d))
