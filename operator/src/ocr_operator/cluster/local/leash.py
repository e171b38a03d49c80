"""Run a program that the kernel kills when the process that started it ends, however it ends.

Usage: python -I -S leash.py PARENT_PID PROGRAM [ARGUMENT ...]
A program of its own, because `preexec_fn` is unsafe in a process with threads
(https://docs.python.org/3/library/subprocess.html#subprocess.Popen).
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Tie this process to its parent and become the program."""
    parent, program = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        raise SystemExit("the process that started this one has ended")
    os.execv(program[0], program)  # noqa: S606 - the program and its arguments are the caller's


if __name__ == "__main__":
    main()
