"""Runs the jobs that wait, a few at a time."""

import asyncio
import logging
from collections.abc import Callable

from ocr_gateway.access.caller import CALLER, Caller
from ocr_gateway.deadline import Deadline
from ocr_gateway.jobs.record import Record, pack
from ocr_gateway.jobs.store import UNAVAILABLE, JobStore
from ocr_gateway.problems import CODES, Problem
from ocr_gateway.recognise import Job
from ocr_gateway.result import Recognised, Results
from ocr_gateway.services import Services
from ocr_wire.logs import CONTEXT
from ocr_wire.tracing import Tracer

HEARTBEAT_SECONDS = 1.0
IDLE_SECONDS = 0.2
# A document that ended its gateway three times is not given to a fourth.
MAX_ATTEMPTS = 3
# Pages that failed for a reason that passes, such as full model servers, are worth another round.
MAX_ROUNDS = 3

log = logging.getLogger(__name__)


class Runner:
    """The workers of one gateway; `run` ends when `stopping` says so and what runs has ended."""

    def __init__(
        self,
        store: JobStore,
        services: Services,
        tracer: Tracer,
        clock: Callable[[], float],
        stopping: Callable[[], bool],
    ) -> None:
        self._store = store
        self._recogniser = services.recogniser
        self._metrics = services.metrics
        self._settings = services.config.jobs
        self._tracer = tracer
        self._clock = clock
        self._stopping = stopping

    async def run(self) -> None:
        """Work until stopped. A job that is cut off by a cancellation goes back into the queue."""
        async with asyncio.TaskGroup() as workers:
            for _ in range(self._settings.job_workers):
                workers.create_task(self._work())

    async def _work(self) -> None:
        while not self._stopping():
            try:
                job_id = await self._store.claim()
                if job_id is not None:
                    await self._one(job_id)
                    continue
            except Problem as problem:
                log.warning("jobs cannot be run", extra={"code": problem.code, "error": problem.detail})
            except Exception:
                log.exception("a job failed in an unforeseen way")
            await asyncio.sleep(IDLE_SECONDS)

    async def _one(self, job_id: str) -> None:
        """Run a claimed job, and stop it when it is cancelled; a run that ends without an end is repeated."""
        reading = asyncio.create_task(self._run(job_id))
        again = True
        try:
            while not reading.done():
                await asyncio.wait({reading}, timeout=HEARTBEAT_SECONDS)
                if not reading.done() and not await self._store.renew(job_id):
                    break
            again = False
        finally:
            reading.cancel()
            (outcome,) = await asyncio.gather(reading, return_exceptions=True)
            await self._store.release(job_id, again=again or isinstance(outcome, Exception))
        if isinstance(outcome, Exception):
            raise outcome

    async def _run(self, job_id: str) -> None:
        record = await self._store.get(job_id)
        document = await self._store.document(job_id)
        if record is None or record.ended or document is None:
            return
        with self._tracer.span("job", "internal") as span:
            CALLER.set(Caller(record.owner, span.context))
            CONTEXT.set({"request_id": record.request_id, "trace_id": span.context.trace_id})
            await self._do(record, document)

    async def _do(self, record: Record, document: bytes) -> None:
        now = self._clock()
        settings = self._settings
        expires = now + settings.job_timeout_seconds + settings.job_ttl_seconds
        record = record.but(status="running", started=now, attempts=record.attempts + 1, expires=expires)
        if not await self._store.save(record):
            return
        try:
            with self._metrics.jobs_running.track_inprogress():
                recognised = await self._patiently(record, document)
        except Problem as problem:
            if problem.code == UNAVAILABLE:
                raise
            await self._end(record, problem, None)
        except Exception:
            await self._end(record, Problem("internal", f"Report {record.id} to the operators."), None)
            raise
        else:
            await self._end(record, None, recognised)

    async def _end(self, record: Record, problem: Problem | None, recognised: Recognised | None) -> None:
        now = self._clock()
        pages = len(recognised.results) if recognised else record.pages_total
        ended = record.but(
            status="failed" if problem else "succeeded",
            problem=problem,
            finished=now,
            expires=now + self._settings.job_ttl_seconds,
            pages_done=pages or 0,
            pages_total=pages,
        )
        packed = None if recognised is None else await asyncio.to_thread(pack, recognised)
        if await self._store.save(ended, packed):
            self._metrics.job_ended(ended.status)
        log.info("job ended", extra={"status": ended.status})

    async def _patiently(self, record: Record, document: bytes) -> Recognised:
        """Read a document; pages that failed for a reason that passes are tried again, with all others."""
        if record.attempts > MAX_ATTEMPTS:
            raise Problem("internal", f"The job was begun {MAX_ATTEMPTS} times and never ended.")
        deadline = Deadline.after(self._settings.job_timeout_seconds)
        rounds_left = MAX_ROUNDS
        while True:
            rounds_left -= 1
            try:
                recognised = await self._read(
                    record, document, Job(record.request_id, deadline, record.options, patient=True)
                )
                passing = next(filter(_passes, recognised.results.problems.values()), None)
                if passing is None or not rounds_left:
                    return recognised
            except Problem as problem:
                if not (rounds_left and _passes(problem) and deadline.remaining()):
                    raise
                passing = problem
            await asyncio.sleep(passing.retry_after or 1)

    async def _read(self, record: Record, document: bytes, job: Job) -> Recognised:
        results = Results()
        async with self._recogniser.reading(document, job) as reading:
            async for result in reading:
                results.add(result)
                await self._store.save(record.but(pages_done=len(results), pages_total=reading.total))
        return Recognised.of(results, job.timings.stages)


def _passes(problem: Problem) -> bool:
    """Whether the model servers may read the page another time; what the store has, the next run will see."""
    return CODES[problem.code].retryable and problem.code != UNAVAILABLE
