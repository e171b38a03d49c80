"""Answers that are made in a process of their own, because hostile documents are parsed for them in C++."""

import asyncio
import io
import logging
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Iterator

from ocr_gateway.problems import Problem

# The gateway holds the answer, and sends it: so much of it fits beside everything else.
MAX_ANSWER_BYTES = 128 * 1024 * 1024
_PIECE = 1024 * 1024
_WAY_OUT = "Take fewer pages, or another output such as json, text or hocr."

log = logging.getLogger(__name__)


class Children:
    """Runs `python -m MODULE` with an order on its stdin for the answer on its stdout, one at a time.

    Each may take as much memory as it allows itself, and the pod has not room for several.
    """

    def __init__(self) -> None:
        self._turn = asyncio.Lock()

    async def run(self, module: str, order: Iterator[bytes]) -> bytes:
        """The child's answer to an order that is made in a thread, piece by piece.

        When the caller is cancelled the child is killed.

        Raises:
            Problem: output_failed.
        """
        async with self._turn:
            child = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-m", module),
                env={"OPENBLAS_NUM_THREADS": "1"},
                stdin=PIPE,
                stdout=PIPE,
                stderr=PIPE,
            )
            try:
                _, answer, said = await asyncio.gather(_feed(child, order), _answer(child), _said(child))
                status = await child.wait()
            finally:
                if child.returncode is None:
                    child.kill()
                    await child.wait()
        if status != 0:
            log.warning("%s ended with %d: %s", module, status, said)
            raise Problem(
                "output_failed",
                f"The output could not be made of this document within its limits. {_WAY_OUT}",
            )
        return answer


async def _feed(child: Process, order: Iterator[bytes]) -> None:
    assert child.stdin is not None  # noqa: S101 - it is a pipe
    try:
        while (piece := await asyncio.to_thread(next, order, None)) is not None:
            child.stdin.write(piece)
            await child.stdin.drain()
        child.stdin.close()
        await child.stdin.wait_closed()
    except ConnectionError:  # it ended before it had read all; its status says so
        return


async def _answer(child: Process) -> bytes:
    assert child.stdout is not None  # noqa: S101 - it is a pipe
    answer = io.BytesIO()
    while piece := await child.stdout.read(_PIECE):
        answer.write(piece)
        if answer.tell() > MAX_ANSWER_BYTES:
            raise Problem(
                "output_failed",
                f"The output would have more than {MAX_ANSWER_BYTES} bytes. {_WAY_OUT}",
                limit=MAX_ANSWER_BYTES,
                actual=answer.tell(),
            )
    return answer.getvalue()


async def _said(child: Process) -> str:
    """The last line of its stderr."""
    assert child.stderr is not None  # noqa: S101 - it is a pipe
    lines = (await child.stderr.read()).decode(errors="replace").strip().splitlines()
    return lines[-1][:500] if lines else ""
