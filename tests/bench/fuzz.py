"""`python -m tests.bench.fuzz`: damaged images to a real model server, and what came of each."""

import argparse
import asyncio
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator

import aiohttp

from tests.bench.gateway import programs
from tests.bench.gateway.programs import Program
from tests.bench.gateway.shots import direct
from tests.support import hostile

_CLIENTS = 4
_RIGHT = frozenset(
    {
        "read",
        "undecodable_image",
        "unsupported_media_type",
        "too_many_pixels",
        "too_many_pages",
        "image_too_small",
    }
)


def files(count: int, seed: int) -> Iterator[bytes]:
    """All rare and hostile files once, then damaged ones."""
    yield from hostile.readable().values()
    yield from (data for data, _ in hostile.refusable().values())
    rng, seeds = random.Random(seed), hostile.seeds()  # noqa: S311 - the same files each time
    for _ in range(count):
        yield hostile.mutated(rng.choice(seeds), rng)


async def outcome(session: aiohttp.ClientSession, server: Program, data: bytes) -> str:
    """What came of one file: "read", or the code of its refusal."""
    shot = direct(server, data)
    async with session.post(shot.url, data=shot.body, headers=dict(shot.headers)) as answer:
        body = await answer.read()
        return "read" if answer.status == 200 else str(json.loads(body)["code"])


async def run(server: Program, count: int, seed: int) -> Counter[str]:
    """Send all files; how often each outcome came."""
    outcomes: Counter[str] = Counter()
    work = files(count, seed)

    async def client(session: aiohttp.ClientSession) -> None:
        for data in work:
            outcomes[await outcome(session, server, data)] += 1

    async with aiohttp.ClientSession() as session:
        await asyncio.gather(*(client(session) for _ in range(_CLIENTS)))
        async with session.get(f"{server.url}/livez") as answer:
            outcomes["not live" if answer.status != 200 else "live"] += 1
    return outcomes


def main() -> int:
    """Send, print the counts; 1 when an outcome is not a right one."""
    parser = argparse.ArgumentParser(prog="tests.bench.fuzz", description=__doc__)
    add = parser.add_argument
    add("--count", type=int, default=10_000, metavar="N", help="damaged files (%(default)s)")
    add("--model", default="fast", metavar="NAME", help="profile (%(default)s)")
    add("--threads", type=int, default=2, metavar="N", help="of the model server (%(default)s)")
    add("--seed", type=int, default=5, help="of the damage (%(default)s)")
    options = parser.parse_args()
    start = time.perf_counter()
    with programs.model_server(options.model, options.threads) as server:
        before = server.peak_rss_mib
        outcomes = asyncio.run(run(server, options.count, options.seed))
        after = server.peak_rss_mib
    print(
        "\n".join(
            ["| outcome | files |", "|---|---|", *(f"| {k} | {n} |" for k, n in outcomes.most_common())]
        )
    )
    took = time.perf_counter() - start
    print(f"\n{took:.0f} s; peak memory {before:.0f} MiB when ready, {after:.0f} MiB after all")
    return int(not outcomes.keys() <= _RIGHT | {"live"})


if __name__ == "__main__":
    sys.exit(main())
