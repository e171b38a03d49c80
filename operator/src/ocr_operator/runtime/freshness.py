"""What a list shows and no watch told: a watch that died in silence looks like a calm cluster.

kopf's streams have gone silent or ended without a word before (nolar/kopf#957, #1276), so they are checked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Generic

from ocr_operator.runtime.queue import K, loop_time


class Freshness(Generic[K]):
    """Compares the versions of objects that the watches told with those that a list found.

    A version is a number that grows with every change of the object.
    """

    def __init__(self, clock: Callable[[], float] = loop_time) -> None:
        """`clock` gives seconds."""
        self._clock = clock
        self._seen: dict[K, int] = {}
        self._gone: set[K] = set()
        # What a list found and no watch told yet: the version, and since when it is known.
        self._behind: dict[K, tuple[int, float]] = {}

    def saw(self, key: K, version: int, *, gone: bool = False) -> None:
        """A watch told of the object at that version, which is the last one if it is gone."""
        if gone:
            self._gone.add(key)
        else:
            self._gone.discard(key)
        self._seen[key] = max(version, self._seen.get(key, -1))
        behind = self._behind.get(key)
        if behind is not None and behind[0] <= self._seen[key]:
            del self._behind[key]

    def expect(self, listed: Mapping[K, int], *, at: int) -> frozenset[K]:
        """A list found these objects; `at` is the version of the list as a whole.

        The answer are those of which no watch told that they are new, as they are now, or gone.
        """
        now = self._clock()
        # Younger than the list: not in it, and no sign of anything.
        seen = {key: version for key, version in self._seen.items() if key in listed or version > at}
        lost = self._seen.keys() - seen.keys() - self._gone
        self._seen = seen
        self._gone &= seen.keys()
        behind = {key: version for key, version in listed.items() if self._seen.get(key, -1) < version}
        self._behind = {
            key: (version, self._behind[key][1] if key in self._behind else now)
            for key, version in behind.items()
        }
        return frozenset(behind.keys() | lost)

    def behind_seconds(self) -> float:
        """For how long the watches have owed the oldest change that a list has shown; 0 if they owe none."""
        if not self._behind:
            return 0.0
        return self._clock() - min(since for _, since in self._behind.values())
