"""The command's work: documents side by side, results in their order, failures one line each."""

import sys
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from kubeocr.client import Client
from kubeocr.errors import OcrError
from kubeocr.progress import Progress
from kubeocr.targets import STDIN, Target


@dataclass(frozen=True)
class Reading:
    """What is done with each document."""

    client: Client
    output: str
    options: Mapping[str, str]

    def read(self, target: Target) -> bytes:
        """The document in the wanted format."""
        return self.client.read(_data(target.name), self.output, **self.options)


def read_all(reading: Reading, targets: Sequence[Target], jobs: int) -> int:
    """Read the documents, `jobs` at once; the exit status."""
    failed = 0
    pool = ThreadPoolExecutor(jobs)
    try:
        with Progress(len(targets)) as progress:
            for done, (target, task) in enumerate(_in_order(reading, targets, pool, 2 * jobs), 1):
                failed += not _finish(target, task, progress)
                progress.show(done, target.name)
    finally:
        pool.shutdown(cancel_futures=True)
    return 1 if failed else 0


def _in_order(
    reading: Reading, targets: Sequence[Target], pool: ThreadPoolExecutor, most: int
) -> Iterator[tuple[Target, Future[bytes]]]:
    """Each target with its result to come; not more than `most` wait to be written."""
    ahead: deque[tuple[Target, Future[bytes]]] = deque()
    for target in targets:
        if len(ahead) == most:
            yield ahead.popleft()
        ahead.append((target, pool.submit(reading.read, target)))
    yield from ahead


def _finish(target: Target, task: Future[bytes], progress: Progress) -> bool:
    """Write what was read, or say why it was not."""
    try:
        _write(task.result(), target.file)
    except BrokenPipeError:
        raise
    except OSError as error:
        problem = f"{error.strerror or error}"
    except OcrError as error:
        problem = str(error)
    else:
        return True
    progress.clear()
    sys.stderr.write(f"kubeocr: {target.name}: {problem}\n")
    return False


def _data(name: str) -> bytes:
    if name == STDIN:
        return sys.stdin.buffer.read()
    if Path(name).is_dir():
        raise IsADirectoryError(0, f"is a folder; name the files in it, as in {name.rstrip('/')}/*")
    return Path(name).read_bytes()


def _write(content: bytes, file: Path | None) -> None:
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        return
    sys.stdout.buffer.write(content if content.endswith(b"\n") or b"\0" in content else content + b"\n")
    sys.stdout.buffer.flush()
