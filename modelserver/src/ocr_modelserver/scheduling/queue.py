"""Whose turn it is: fair by request, the longest first within one.

Self-clocked fair queueing (Golestani 1994). A job's tag is where its request would be after it, in virtual
time: its size on top of the tag of the request's job before, or of the present, whichever is later. The least
tag is next, and the present is the tag of the job that was taken last.

- Of a request with many jobs one stands in front and the others behind everybody else's first, so a short
  request waits for about one job of each longer one.
- The present never goes back and new tags lie behind it, so whoever waits is passed only by what came before
  or is due before it: nobody starves.
- Of equal tags a request's earlier job is first, then the one that came first.
- While a job of more than `heavy_pixels` runs, others of that kind are passed over.
"""

import heapq
import operator
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar


class Turn(Protocol):
    """What the queue has to know of a job."""

    @property
    def request(self) -> str: ...

    @property
    def size(self) -> float: ...

    @property
    def pixels(self) -> int: ...


T = TypeVar("T", bound=Turn)


@dataclass(frozen=True, slots=True, order=True)
class _Place(Generic[T]):
    tag: float
    position: int  # within what its request has added at once
    number: int
    job: T = field(compare=False)


class FairQueue(Generic[T]):
    """Jobs of many requests; no threads, no clock. A scan over all is fine: hundreds wait at most."""

    def __init__(self, heavy_pixels: int) -> None:
        self._heavy_pixels = heavy_pixels
        self._light: list[_Place[T]] = []
        self._heavy: list[_Place[T]] = []
        self._now = 0.0
        self._added = 0

    def __len__(self) -> int:
        return len(self._light) + len(self._heavy)

    @property
    def jobs(self) -> list[T]:
        """All that wait, in no order."""
        return [place.job for place in self._places()]

    def ahead_of(self, job: T) -> float:
        """The sizes of what would be taken before this job if it came now."""
        tag = self._end_of(job.request) + job.size
        return sum(place.job.size for place in self._places() if place.tag <= tag)

    def add(self, request: str, jobs: Iterable[T]) -> None:
        """Add jobs of that request."""
        tag = self._end_of(request)
        for position, job in enumerate(sorted(jobs, key=operator.attrgetter("size"), reverse=True)):
            tag += job.size
            place = _Place(tag, position, self._added, job)
            heapq.heappush(self._heavy if job.pixels > self._heavy_pixels else self._light, place)
            self._added += 1

    def pop(self, *, heavy: bool) -> T | None:
        """Take the next job, a heavy one only if that is allowed; None when there is none."""
        heaps = [heap for heap in (self._light, self._heavy if heavy else []) if heap]
        if not heaps:
            return None
        place = heapq.heappop(min(heaps))
        self._now = max(self._now, place.tag)
        return place.job

    def keep(self, wanted: Callable[[T], bool]) -> None:
        """Drop the jobs that are not wanted any more."""
        for heap in (self._light, self._heavy):
            heap[:] = [place for place in heap if wanted(place.job)]
            heapq.heapify(heap)

    def _places(self) -> list[_Place[T]]:
        return [*self._light, *self._heavy]

    def _end_of(self, request: str) -> float:
        return max([self._now, *(place.tag for place in self._places() if place.job.request == request)])
