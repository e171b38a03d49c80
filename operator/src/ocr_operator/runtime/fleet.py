"""The services that follow new versions, as each was found last: who moves next, and never two together."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from ocr_operator.desired.upgrades import Line, Member, line
from ocr_operator.models.service import Key


class Fleet:
    """Who moves next, in one process: only the leader's reconciles come here.

    - It remembers nothing that the resources don't say: after a start it is filled by the first look at each.
    - Until all that follow have been judged nobody moves: a stored status may be long past.
    - `claim` asks and takes in one go, so two reconciles side by side never both go.
    """

    def __init__(self, wake: Callable[[Key], None]) -> None:
        """`wake` is told whose turn or whose obstacle has changed."""
        self._wake = wake
        self._members: dict[Key, Member | None] = {}
        self._unseen: set[Key] | None = None
        self._line: Line | None = None

    @property
    def line(self) -> Line | None:
        """The line as it is; None while not all services are known."""
        return self._line

    def expect(self, keys: Iterable[Key]) -> None:
        """These services exist."""
        self._unseen = (self._unseen or set()) | (set(keys) - self._members.keys())
        self._update()

    def meet(self, key: Key, member: Member | None) -> None:
        """What is stored of a service, before it is judged; None when it does not follow."""
        if member is None or key in self._members:
            self.see(key, member)

    def see(self, key: Key, member: Member | None) -> None:
        """What a service was judged to be; None when it does not follow."""
        if self._unseen:
            self._unseen.discard(key)
        self._members[key] = member
        self._update()

    def forget(self, key: Key) -> None:
        """The service is gone."""
        self.see(key, None)
        del self._members[key]

    def claim(self, key: Key) -> bool:
        """Whether it is this service's turn; then it is on its way from now on."""
        member = self._members.get(key)
        if member is None or self._line is None or self._line.next != key:
            return False
        self.see(key, replace(member, state="moving", upgrading=True, willing=False))
        return True

    def _update(self) -> None:
        known = self._unseen is not None and not self._unseen
        before, now = self._line, line(filter(None, self._members.values())) if known else None
        self._line = now
        if now is None:
            return
        if before is None or _trouble(before) != _trouble(now):
            # What all of them are told.
            for key in now.waiting:
                self._wake(key)
        elif now.head and (before.head, before.blocker) != (now.head, now.blocker):
            self._wake(now.head)


def _trouble(line: Line) -> Key | None:
    return line.blocker if line.stopped else None
