"""Names that one process of this machine holds at a time."""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from tests.cluster.errors import ClusterError

POLL_SECONDS = 0.1
LIMIT = 50


class BusyError(ClusterError):
    """Another process has it."""


@contextmanager
def reserved(name: str, seconds: float = 0) -> Iterator[None]:
    """Hold the name, waiting for it up to `seconds`; raise BusyError if another has it still.

    It is the name of an abstract socket: the kernel frees it when the holder dies, and no file stays behind.
    """
    deadline = time.monotonic() + seconds
    with socket.socket(socket.AF_UNIX) as lock:
        while True:
            try:
                lock.bind(f"\0kubeocr-tests/{os.getuid()}/{name}")
                break
            except OSError as error:
                if time.monotonic() >= deadline:
                    raise BusyError(f"{name} is in use by another process on this machine") from error
                time.sleep(POLL_SECONDS)
        yield


def reserve_first(prefix: str, stack: ExitStack) -> int:
    """Hold, until the stack ends, the first free name of PREFIX0, PREFIX1 and so on; return its number.

    Whoever gets the number of a killed process finds, under that number, what to clean.
    """
    for number in range(LIMIT):
        with suppress(BusyError):
            stack.enter_context(reserved(f"{prefix}{number}"))
            return number
    raise ClusterError(f"{LIMIT} of {prefix}* are in use already: is something left running?")
