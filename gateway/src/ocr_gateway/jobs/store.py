"""Where jobs live: what every store can do."""

from dataclasses import dataclass
from typing import Protocol

from ocr_gateway.jobs.record import Record
from ocr_gateway.problems import Problem

RETRY_SECONDS = 5
UNAVAILABLE = "job_store_unavailable"


@dataclass(frozen=True)
class Once:
    """An Idempotency-Key of a client, and the digest of what it sent with it."""

    owner: str
    key: str
    digest: str


class JobStore(Protocol):
    """Jobs by id, and the queue of those that wait.

    A claimed job belongs to its claimer for a few seconds and must be renewed; if it is not, as after a
    crash, the next claim gets it. A job may so be run twice, and the first end stands.
    """

    async def add(self, record: Record, document: bytes, once: Once | None) -> Record:
        """Accept a job, or find the one that was accepted with the same key.

        Raises:
            Problem: jobs_full, idempotency_key_reused.
        """
        ...

    async def get(self, job_id: str) -> Record | None:
        """What is known of a job; for some time also of one that has expired."""
        ...

    async def document(self, job_id: str) -> bytes | None:
        """The document, until the job expires or is cancelled."""
        ...

    async def result(self, job_id: str) -> bytes | None:
        """The result, from the job's end until it expires."""
        ...

    async def claim(self) -> str | None:
        """The job that has waited longest, or none."""
        ...

    async def renew(self, job_id: str) -> bool:
        """Keep a claimed job; false when it was cancelled or is gone."""
        ...

    async def release(self, job_id: str, *, again: bool) -> None:
        """Give a claimed job up: it is done, or is to be run `again` by somebody else."""
        ...

    async def save(self, record: Record, result: bytes | None = None) -> bool:
        """Note how a job stands; false, and nothing is noted, when it had ended already."""
        ...

    async def cancel(self, record: Record) -> None:
        """End a job, and drop its document and its result."""
        ...

    async def waiting(self) -> int:
        """How many jobs no gateway has claimed yet. Raises Problem: job_store_unavailable."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


def full(state: str, limit: int) -> Problem:
    """The refusal of one job too many."""
    return Problem(
        "jobs_full",
        f"{state} and at most {limit} are kept. Delete jobs whose results you have, or try again later.",
        limit=limit,
        retry_after=RETRY_SECONDS,
    )


def reused(once: Once) -> Problem:
    """The refusal of a key that stands for another request."""
    return Problem(
        "idempotency_key_reused",
        f"Idempotency-Key {once.key[:64]!r} was used for another document or other options; use a new one.",
    )
