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
from ocr_gateway.services import Services
from ocr_wire.tracing import Tracer


@asynccontextmanager
async def running(
    store: JobStore | None, services: Services, tracer: Tracer, draining: Callable[[], bool]
) -> AsyncIterator[None]:
    """Run the store's jobs while the block runs; none when there is no store.

    From a drain on no job is begun. Those that run have the drain's time to end; then they go back into the
    queue, for another gateway.
    """
    if store is None:
        yield
        return
    ending = asyncio.Event()
    runner = Runner(store, services, tracer, time.time, lambda: draining() or ending.is_set())
    working = asyncio.create_task(runner.run())
    try:
        yield
    finally:
        ending.set()
        await asyncio.wait({working}, timeout=services.config.drain_seconds)
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        await store.close()


def open_store(config: Config) -> JobStore | None:
    """The store that is configured; None when no jobs are kept. Raises InvalidFileError."""
    settings = config.jobs
    match settings.job_store:
        case "memory":
            return MemoryStore(settings, time.time)
        case "redis" if settings.redis_url_file:
            return RedisStore(connect(settings.redis_url_file), config.service, settings, time.time)
    return None
