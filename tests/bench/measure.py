"""Engines at work: at full load, one process a core; and with one client that has all cores."""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Self

from tests.bench.child import Child, ChildError, Reading
from tests.bench.engines import Engine
from tests.bench.environments import NotMeasuredError
from tests.bench.pages import Page
from tests.bench.results import Measured


@dataclass(frozen=True, slots=True)
class Stored:
    """A page as a file."""

    page: Page
    path: Path


def by_work(pages: Sequence[Stored]) -> list[Stored]:
    """Most text first, so that both cores end at about the same time."""
    return sorted(pages, key=lambda each: -sum(len(line.text) for line in each.page.lines))


class Lane:
    """A worker that is replaced when it dies or hangs."""

    def __init__(self, command: list[str], cores: list[int], log: Path, warm_up: Stored) -> None:
        """Start it, and read a page that does not count.

        Raises:
            NotMeasuredError: it does not start.
        """
        self._arguments = (command, cores, log)
        self._child = self._start()
        self.read(warm_up)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._child.__exit__(kind, error, trace)

    def read(self, page: Stored) -> Reading:
        """Have a page read; a death or a hang is a reading with an error.

        Raises:
            NotMeasuredError: the worker cannot be started again.
        """
        try:
            return self._child.read(page.path, page.page.language)
        except ChildError as error:
            self._child.__exit__()
            self._child = self._start()
            return Reading(error=str(error))

    def end(self) -> int:
        """The worker's peak resident memory in bytes; 0 if it died at its end."""
        try:
            return self._child.end()
        except ChildError:
            return 0

    def _start(self) -> Child:
        try:
            return Child(*self._arguments)
        except ChildError as error:
            raise NotMeasuredError(f"it does not start: {error}") from None


def run_processes(engine: Engine, pages: Sequence[Stored], cores: Sequence[int], log: Path) -> Measured:
    """A worker on each core with one thread at full load, then one on all cores with one page at a time.

    Raises:
        NotMeasuredError: the engine cannot be installed or started.
    """
    command, smallest = engine.command(), by_work(pages)[-1]
    with ExitStack() as stack:
        lanes = [stack.enter_context(Lane(command, [core], log, smallest)) for core in cores]
        queue = SimpleQueue[Stored]()
        for page in by_work(pages):
            queue.put(page)
        start = time.perf_counter()
        with ThreadPoolExecutor(len(lanes)) as pool:
            readings = dict(pair for part in pool.map(_work, lanes, repeat(queue)) for pair in part)
        seconds = time.perf_counter() - start
        peak_rss = sum(lane.end() for lane in lanes)
    with Lane(command, list(cores), log, smallest) as lane:
        latencies = [reading.seconds for page in pages if not (reading := lane.read(page)).error]
    cpu_seconds = sum(reading.cpu_seconds for reading in readings.values())
    return Measured(readings, seconds, cpu_seconds, latencies, peak_rss)


def _work(lane: Lane, queue: SimpleQueue[Stored]) -> list[tuple[str, Reading]]:
    return [(page.page.name, lane.read(page)) for page in _taken(queue)]


def _taken(queue: SimpleQueue[Stored]) -> Iterator[Stored]:
    while True:
        try:
            yield queue.get_nowait()
        except Empty:
            return
