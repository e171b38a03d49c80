"""The store and the workers, from the start of the gateway to its end."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from ocr_gateway.config import Config
from ocr_gateway.jobs.memory import MemoryStore
from ocr_gateway.jobs.redis import RedisStore, connect
from ocr_gateway.jobs.runner import Runner
from ocr_gateway.jobs.store import JobStore
from ocr_gateway.recognise import Recogniser


@asynccontextmanager
async def running(
    config: Config, recogniser: Recogniser, draining: Callable[[], bool]
) -> AsyncIterator[JobStore | None]:
    """The store while its jobs are run; None when there are to be none.

    From a drain on no job is begun. Those that run have the drain's time to end; then they go back into the
    queue, for another gateway.
    """
    store = _store(config)
    if store is None:
        yield None
        return
    ending = asyncio.Event()
    runner = Runner(store, recogniser, config.jobs, time.time, lambda: draining() or ending.is_set())
    working = asyncio.create_task(runner.run())
    try:
        yield store
    finally:
        ending.set()
        await asyncio.wait({working}, timeout=config.drain_seconds)
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        await store.close()


def _store(config: Config) -> JobStore | None:
    settings = config.jobs
    match settings.job_store:
        case "memory":
            return MemoryStore(settings, time.time)
        case "redis" if settings.redis_url_file:
            return RedisStore(connect(settings.redis_url_file), config.service, settings, time.time)
    return None
