"""Mounted files that change while the gateway runs: keys, key sets, certificates."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Generic, Protocol, TypeVar

MAX_BYTES = 1024 * 1024

T = TypeVar("T")
Files = Mapping[str, bytes]

log = logging.getLogger(__name__)


class InvalidFileError(Exception):
    """Files that cannot be used; the message names them, and no secret."""


class Refreshing(Protocol):
    """Something that reads its files again."""

    name: str

    def refresh(self) -> bool | None:
        """Whether the files could be used that are new; None when they are the old ones."""
        ...


class Watched(Generic[T]):
    """A value made from files. New files that cannot be used are refused whole, and the old value stays.

    The content is compared, not the time of change: the kubelet swaps a link, others write in place. The
    files are small and in memory, so reading them takes less than handing that to a thread.
    """

    def __init__(self, name: str, read: Callable[[], Files], make: Callable[[Files], T]) -> None:
        """Read for the first time. Raises InvalidFileError."""
        self.name = name
        self._read = read
        self._make = make
        self._seen: Files | None = read()
        self.value = make(self._seen)

    def refresh(self) -> bool | None:
        """See `Refreshing`."""
        try:
            files = self._read()
            if files == self._seen:
                return None
            self._seen = files
            self.value = self._make(files)
        except InvalidFileError as error:
            return self._refused(error)
        log.info("files taken over", extra={"files": self.name})
        return True

    def _refused(self, error: InvalidFileError) -> bool:
        log.error("files refused, the old ones hold", extra={"files": self.name, "error": str(error)})
        return False


async def watch(watched: Iterable[Refreshing], seconds: float, told: Callable[[str, bool], None]) -> None:
    """Refresh all of them for ever; `told` hears of each that was new, and whether it could be used."""
    while True:
        await asyncio.sleep(seconds)
        for one in watched:
            if (used := one.refresh()) is not None:
                told(one.name, used)


def folder(path: Path) -> Files:
    """The files of a mounted Secret by name, without the kubelet's own. Raises InvalidFileError."""
    try:
        return {
            each.name: _content(each) for each in sorted(path.iterdir()) if not each.name.startswith("..")
        }
    except OSError as error:
        raise InvalidFileError(f"{path}: {error.strerror or error}") from None


def files(*paths: Path) -> Files:
    """The files by path. Raises InvalidFileError."""
    return {str(path): _content(path) for path in paths}


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InvalidFileError(f"{path}: {error.strerror or error}") from None
    if len(content) > MAX_BYTES:
        raise InvalidFileError(f"{path}: more than {MAX_BYTES} bytes")
    return content
