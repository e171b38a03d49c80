"""`python -m tests.bench.memory`: the model server's memory while it reads pages of every size.

Prints its resident memory after each 50 pages; the status is 1 if the last is over 5 % more than the first,
or over 700 MiB.
"""

import argparse
import random
import re
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.bench import fonts, layouts, pages
from tests.bench.environments import cache_dir
from tests.bench.measure import Stored
from tests.bench.stack import CLIENTS_PER_CORE, running

_STEP = 50
_WORKERS = 2
_GROWTH = 1.05
_MOST_MIB = 700


def main() -> int:
    """Send the pages; the exit status."""
    parser = argparse.ArgumentParser(prog="tests.bench.memory", description=__doc__)
    parser.add_argument("--model", default="balanced", metavar="NAME")
    parser.add_argument("--pages", type=int, default=500, metavar="N")
    options = parser.parse_args()
    fonts.install()
    log = cache_dir() / "memory.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    seen: list[float] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        running(options.model, _WORKERS, log) as stack,
        ThreadPoolExecutor(_WORKERS * CLIENTS_PER_CORE) as pool,
    ):
        varied = _varied(Path(folder))
        for done in range(_STEP, options.pages + 1, _STEP):
            readings = list(pool.map(stack.read, [next(varied) for _ in range(_STEP)]))
            errors = [reading.error for reading in readings if reading.error]
            seen.append(_resident_mib(stack.pids[0]))
            print(f"{done} pages: {seen[-1]:.0f} MiB, {len(errors)} errors {errors[:1]}", flush=True)
    return int(seen[-1] > _GROWTH * seen[0] or seen[-1] > _MOST_MIB)


def _varied(folder: Path) -> Iterator[Stored]:
    """Pages of random sizes from 300 x 200 to 1800 x 1400, always the same ones."""
    rng = random.Random(pages.SEED)  # noqa: S311 - wanted: repeatable
    place = 0
    while True:
        place += 1
        width, height, size = rng.randint(300, 1800), rng.randint(200, 1400), rng.randint(18, 44)
        spec = pages.Spec(f"page-{place}", layouts.prose, "en", "prose", width, height, size)
        page = pages.render(spec, "tune")
        yield Stored(page, pages.write(folder, page))


def _resident_mib(pid: int) -> float:
    (kibibytes,) = re.findall(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(kibibytes) / 1024


if __name__ == "__main__":
    sys.exit(main())
