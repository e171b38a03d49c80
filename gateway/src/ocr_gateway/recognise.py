"""A document's bytes to its recognised pages: the story of every OCR request."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial

from pydantic import ValidationError

from ocr_gateway.deadline import Deadline
from ocr_gateway.documents import page_ranges
from ocr_gateway.documents.opener import Opener
from ocr_gateway.documents.pages import Pages, Sheet
from ocr_gateway.metrics import OVERLOAD, Metrics
from ocr_gateway.options import Options
from ocr_gateway.problems import Problem
from ocr_gateway.result import PageResult, Recognised, Results, scaled, surer
from ocr_gateway.upstream.answer import Answer
from ocr_gateway.upstream.client import Call, Upstream
from ocr_wire import oip
from ocr_wire.result import Document

INFER_PATH = "/v2/models/ocr/infer"
# Seconds before a page is sent again to model servers that were full.
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0


@dataclass
class Timings:
    """Milliseconds by stage; as pages run side by side, the stages may add up to more than the whole."""

    stages: dict[str, float] = field(default_factory=dict)

    def add(self, stage: str, milliseconds: float) -> None:
        self.stages[stage] = self.stages.get(stage, 0.0) + milliseconds

    @contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        """Add the time of the block."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.add(stage, (time.perf_counter() - started) * 1000)

    @property
    def header(self) -> str:
        """The value of Server-Timing."""
        return ", ".join(f"{stage};dur={value:.1f}" for stage, value in self.stages.items())


@dataclass(frozen=True)
class Job:
    """One request on its way, with what it wants and what it has left of time.

    The pages of a `patient` one wait while the model servers are full, up to the deadline.
    """

    request_id: str
    deadline: Deadline
    options: Options = field(default_factory=Options)
    timings: Timings = field(default_factory=Timings)
    patient: bool = False


class Reading(AsyncIterator[PageResult]):
    """The results of a document as they come, `total` in all."""

    def __init__(self, total: int, results: AsyncIterator[PageResult]) -> None:
        self.total = total
        self._results = results

    async def __anext__(self) -> PageResult:
        return await anext(self._results)


class Recogniser:
    """Reads documents: their pages are spread over the model servers, and come back in order."""

    def __init__(
        self,
        upstream: Upstream,
        metrics: Metrics,
        opener: Opener,
        *,
        page_concurrency: Callable[[], int],
    ) -> None:
        """`page_concurrency` tells how many pages of a document may be at the model servers just now."""
        self._upstream = upstream
        self._metrics = metrics
        self._opener = opener
        self._page_concurrency = page_concurrency

    @asynccontextmanager
    async def reading(self, data: bytes, job: Job) -> AsyncIterator[Reading]:
        """A document's results in page order, each as soon as it and those before it are there.

        Not more than `page_concurrency` pages are read ahead of the caller. Leaving the block ends the work.

        Raises:
            Problem: the document's, before the first result, or the deadline's; what is wrong with one page
                is its outcome.
        """
        job = replace(job, deadline=job.deadline.within(job.options.deadline_ms))
        async with job.deadline.enforced(), AsyncExitStack() as stack:
            with job.timings.measure("open"):
                opening = self._opener.opened(data, job.options, job.request_id)
                document = await stack.enter_async_context(opening)
            numbers = page_ranges.select(job.options.pages, document.count, self._opener.limits.max_pages)
            job = replace(job, patient=job.patient or len(numbers) > 1)
            results = await stack.enter_async_context(aclosing(self._pages(document, numbers, job)))
            yield Reading(len(numbers), results)

    async def recognise(self, data: bytes, job: Job) -> Recognised:
        """Recognise a whole document.

        Raises:
            Problem: as `reading`; that of the first page when none could be read.
        """
        results = Results()
        with job.timings.measure("upstream"):
            async with self.reading(data, job) as arriving:
                async for result in arriving:
                    results.add(result)
        return Recognised.of(results, job.timings.stages)

    async def _pages(self, document: Pages, numbers: Sequence[int], job: Job) -> AsyncGenerator[PageResult]:
        ahead: deque[asyncio.Task[PageResult]] = deque()
        try:
            for number in numbers:
                while len(ahead) >= self._page_concurrency():
                    yield await ahead.popleft()
                ahead.append(await self._begin(document, number, job))
            while ahead:
                yield await ahead.popleft()
        finally:
            for task in ahead:
                task.cancel()
            await asyncio.gather(*ahead, return_exceptions=True)

    async def _begin(self, document: Pages, number: int, job: Job) -> asyncio.Task[PageResult]:
        """Have the page ready to be sent, and start reading it."""
        try:
            with job.timings.measure("decode"):
                page = await document.load(number)
        except Problem as problem:
            page = _failed(number, problem)
        if isinstance(page, PageResult):
            return asyncio.create_task(_there(page))
        task = asyncio.create_task(self._read(page, number, job))
        task.add_done_callback(partial(self._read_done, page.held))
        return task

    def _read_done(self, held: int, _: asyncio.Task[PageResult]) -> None:
        self._opener.room.free(held)

    async def _read(self, sheet: Sheet, number: int, job: Job) -> PageResult:
        ok = False
        try:
            document = await (self._infer_patiently if job.patient else self._infer)(sheet.message, job)
            ok = True
        except Problem as problem:
            return _failed(number, problem)
        finally:
            self._metrics.page(ok=ok)
        page = document.pages[0]
        page = scaled(page, *sheet.size) if sheet.size else page
        return PageResult(number, surer(page, job.options.min_confidence), document.model, dpi=sheet.dpi)

    async def _infer_patiently(self, message: oip.Message, job: Job) -> Document:
        """As `_infer`, but full or absent model servers are waited for: the other pages wait for this one."""
        pause = FIRST_PAUSE
        while True:
            try:
                return await self._infer(message, job)
            except Problem as problem:
                wait = max(pause, problem.retry_after or 0)
                if problem.code not in OVERLOAD or wait >= job.deadline.remaining():
                    raise
            await asyncio.sleep(wait)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _infer(self, message: oip.Message, job: Job) -> Document:
        call = Call("POST", INFER_PATH, job.request_id, message.headers, message.body, job.patient)
        answer = await self._upstream.send(call, job.deadline)
        answer.raise_for_problem()
        document = _document(answer)
        for stage, milliseconds in answer.timings_ms.items():
            job.timings.add(stage, milliseconds)
        return document


def _failed(number: int, problem: Problem) -> PageResult:
    problem.page = number
    return PageResult(number, problem)


async def _there(result: PageResult) -> PageResult:
    return result


def _document(answer: Answer) -> Document:
    length = answer.headers.get(oip.HEADER_LENGTH.lower(), "")
    try:
        response = oip.decode_response(answer.body, int(length) if length.isdecimal() else None)
        (result,) = (tensor.data for tensor in response.outputs if tensor.name == "result")
        return Document.model_validate_json(bytes(result[0]))
    except (oip.OipError, ValidationError, ValueError, LookupError) as error:
        raise Problem("upstream_error", "A model server's answer could not be read.") from error
