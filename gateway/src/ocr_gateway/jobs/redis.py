"""Jobs in Redis: shared by all gateways of a service, and outliving each of them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

from redis.asyncio import Redis
from redis.exceptions import RedisError

from ocr_gateway.access.watched import InvalidFileError
from ocr_gateway.jobs import scripts
from ocr_gateway.jobs.record import Record
from ocr_gateway.jobs.settings import JobSettings
from ocr_gateway.jobs.store import RETRY_SECONDS, UNAVAILABLE, Once, full, reused
from ocr_gateway.problems import Problem

# A job whose gateway has not been heard of for so long is given to another one.
LEASE_SECONDS = 5.0
TIMEOUT_SECONDS = 5.0


class RedisStore:
    """A JobStore. Every change is one Lua script, so it happens whole or not at all.

    Redis itself forgets: documents and results at a job's expiry, what is known of it one lifetime later.
    """

    def __init__(self, redis: Redis, service: str, settings: JobSettings, clock: Callable[[], float]) -> None:
        self._redis = redis
        self._prefix = f"kubeocr:{service}:"
        self._settings = settings
        self._clock = clock

    async def add(self, record: Record, document: bytes, once: Once | None) -> Record:
        """As the protocol says."""
        settings = self._settings
        keys = [*self._keys("live", "sizes", "queue"), *self._of(record.id, "job", "document")]
        if once:
            keys += self._keys(f"once:{len(once.owner)}:{once.owner}:{once.key}")
        answer, number = await self._run(
            scripts.ADD,
            keys,
            [
                self._clock(),
                record.id,
                record.model_dump_json(),
                document,
                record.expires,
                settings.job_ttl_seconds,
                settings.max_jobs,
                settings.max_job_bytes,
                once.digest if once else "",
            ],
        )
        match answer:
            case b"added":
                return record
            case b"jobs":
                raise full(f"{number} jobs are kept", settings.max_jobs)
            case b"bytes":
                raise full(f"The jobs hold {number} bytes", settings.max_job_bytes)
            case b"reused" if once:
                raise reused(once)
        return await self.get(answer.decode()) or record

    async def get(self, job_id: str) -> Record | None:
        """As the protocol says."""
        async with _told():
            text = await cast(
                "Awaitable[bytes | None]", self._redis.hget(self._of(job_id, "job")[0], "record")
            )
        return None if text is None else Record.model_validate_json(text)

    async def document(self, job_id: str) -> bytes | None:
        """As the protocol says."""
        return await self._bytes(job_id, "document")

    async def result(self, job_id: str) -> bytes | None:
        """As the protocol says."""
        return await self._bytes(job_id, "result")

    async def claim(self) -> str | None:
        """As the protocol says."""
        now = self._clock()
        claimed = await self._run(scripts.CLAIM, self._keys("queue", "leases"), [now, now + LEASE_SECONDS])
        return None if claimed is None else claimed.decode()

    async def renew(self, job_id: str) -> bool:
        """As the protocol says."""
        keys = [*self._of(job_id, "job"), *self._keys("leases")]
        return bool(await self._run(scripts.RENEW, keys, [job_id, self._clock() + LEASE_SECONDS]))

    async def release(self, job_id: str, *, again: bool) -> None:
        """As the protocol says."""
        await self._run(scripts.RELEASE, self._keys("queue", "leases"), [job_id, int(again)])

    async def save(self, record: Record, result: bytes | None = None) -> bool:
        """As the protocol says."""
        return await self._end(record, result or b"")

    async def cancel(self, record: Record) -> None:
        """As the protocol says."""
        await self._end(record.but(status="cancelled"), b"")

    async def waiting(self) -> int:
        """As the protocol says."""
        async with _told():
            return await self._redis.llen(*self._keys("queue"))

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def _end(self, record: Record, result: bytes) -> bool:
        keys = [*self._of(record.id, "job", "document", "result"), *self._keys("live", "sizes")]
        ttl = self._settings.job_ttl_seconds
        arguments = [record.id, record.status, record.model_dump_json(), result, record.expires, ttl]
        return bool(await self._run(scripts.SAVE, keys, arguments))

    async def _bytes(self, job_id: str, kind: str) -> bytes | None:
        async with _told():
            return cast("bytes | None", await self._redis.get(self._of(job_id, kind)[0]))

    async def _run(self, script: str, keys: list[str], arguments: list[Any]) -> Any:
        async with _told():
            return await self._redis.register_script(script)(keys, arguments)

    def _keys(self, *names: str) -> list[str]:
        return [self._prefix + name for name in names]

    def _of(self, job_id: str, *kinds: str) -> list[str]:
        return [f"{self._prefix}{kind}:{job_id}" for kind in kinds]


def connect(url_file: Path) -> Redis:
    """A client for the URL in that file; it connects when it is used.

    Raises:
        InvalidFileError: the file cannot be read, or holds no Redis URL. The message never has what it
            holds: that may be a password.
    """
    try:
        url = url_file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise InvalidFileError(f"{url_file} cannot be read: {error.strerror}") from None
    if not url.startswith(("redis://", "rediss://")):
        raise InvalidFileError(f"{url_file} holds no redis:// or rediss:// URL")
    return Redis.from_url(
        url, protocol=2, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS
    )


@asynccontextmanager
async def _told() -> AsyncIterator[None]:
    try:
        yield
    except (RedisError, OSError) as error:
        raise Problem(
            UNAVAILABLE,
            f"The store of the jobs does not answer ({type(error).__name__}); accepted jobs are kept there. "
            f"Try again in {RETRY_SECONDS} s.",
            retry_after=RETRY_SECONDS,
        ) from error
