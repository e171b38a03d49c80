"""Jobs in this process: they are lost when it ends."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from ocr_gateway.jobs.record import Record
from ocr_gateway.jobs.settings import JobSettings
from ocr_gateway.jobs.store import Once, full, reused


@dataclass
class _Held:
    record: Record
    document: bytes | None
    result: bytes | None = None

    @property
    def size(self) -> int:
        return len(self.document or b"") + len(self.result or b"")


class MemoryStore:
    """A JobStore, bounded in jobs and bytes; an expired job is remembered for as long again."""

    def __init__(self, settings: JobSettings, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._clock = clock
        self._jobs: dict[str, _Held] = {}
        self._once: dict[tuple[str, str], tuple[str, str]] = {}
        self._queue: deque[str] = deque()

    async def add(self, record: Record, document: bytes, once: Once | None) -> Record:
        """As the protocol says."""
        self._expire()
        if once and (known := self._once.get((once.owner, once.key))):
            job_id, digest = known
            if digest != once.digest:
                raise reused(once)
            return self._jobs[job_id].record
        kept = [held for held in self._jobs.values() if held.document is not None]
        if len(kept) >= self._settings.max_jobs:
            raise full(f"{len(kept)} jobs are kept", self._settings.max_jobs)
        size = sum(held.size for held in kept)
        if size + len(document) > self._settings.max_job_bytes:
            raise full(f"The jobs hold {size} bytes", self._settings.max_job_bytes)
        self._jobs[record.id] = _Held(record, document)
        if once:
            self._once[once.owner, once.key] = (record.id, once.digest)
        self._queue.append(record.id)
        return record

    async def get(self, job_id: str) -> Record | None:
        """As the protocol says."""
        self._expire()
        held = self._jobs.get(job_id)
        return None if held is None else held.record

    async def document(self, job_id: str) -> bytes | None:
        """As the protocol says."""
        held = self._jobs.get(job_id)
        return None if held is None else held.document

    async def result(self, job_id: str) -> bytes | None:
        """As the protocol says."""
        held = self._jobs.get(job_id)
        return None if held is None else held.result

    async def claim(self) -> str | None:
        """As the protocol says."""
        return self._queue.popleft() if self._queue else None

    async def renew(self, job_id: str) -> bool:
        """As the protocol says."""
        return job_id in self._jobs and not self._jobs[job_id].record.ended

    async def release(self, job_id: str, *, again: bool) -> None:
        """As the protocol says."""
        if again:
            self._queue.appendleft(job_id)

    async def save(self, record: Record, result: bytes | None = None) -> bool:
        """As the protocol says."""
        if not await self.renew(record.id):
            return False
        held = self._jobs[record.id]
        held.record = record
        held.result = result
        return True

    async def cancel(self, record: Record) -> None:
        """As the protocol says."""
        self._jobs[record.id] = _Held(record.but(status="cancelled"), None)

    async def waiting(self) -> int:
        """As the protocol says."""
        return len(self._queue)

    async def close(self) -> None:
        """Nothing is held but memory."""

    def _expire(self) -> None:
        now = self._clock()
        for job_id, held in list(self._jobs.items()):
            if held.record.expires + self._settings.job_ttl_seconds < now:
                del self._jobs[job_id]
            elif held.record.expires < now:
                held.document = held.result = None
        for key, (job_id, _) in list(self._once.items()):
            if job_id not in self._jobs or self._jobs[job_id].record.expires < now:
                del self._once[key]
