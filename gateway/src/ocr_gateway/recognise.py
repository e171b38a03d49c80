"""A document's bytes to its recognised pages: the story of every OCR request."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial

from pydantic import ValidationError

from ocr_gateway.deadline import Deadline
from ocr_gateway.documents import pages
from ocr_gateway.documents.admission import PixelRoom
from ocr_gateway.metrics import Metrics
from ocr_gateway.options import Options
from ocr_gateway.problems import Problem
from ocr_gateway.result import PageResult, Recognised, scaled, surer
from ocr_gateway.upstream.answer import Answer
from ocr_gateway.upstream.client import Call, Upstream
from ocr_wire import oip, raster
from ocr_wire.result import Document, ModelRef, Page

INFER_PATH = "/v2/models/ocr/infer"
# Decoded pages held at once, over all requests; 3 bytes each.
MAX_HELD_PIXELS = 2 * pages.REDUCE_ABOVE


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
    """One request on its way, with what it wants and what it has left of time."""

    request_id: str
    deadline: Deadline
    options: Options = field(default_factory=Options)
    timings: Timings = field(default_factory=Timings)


class Reading(AsyncIterator[PageResult]):
    """The results of a document as they come, `total` in all."""

    def __init__(self, total: int, results: AsyncIterator[PageResult]) -> None:
        self.total = total
        self._results = results

    async def __anext__(self) -> PageResult:
        return await anext(self._results)


class Recogniser:
    """Sends documents to the model servers.

    A file of one page goes as it came, the model server decodes it. The pages of a TIFF are decoded here one
    by one and sent as pixels, so that several model servers share the document.
    """

    def __init__(
        self,
        upstream: Upstream,
        metrics: Metrics,
        *,
        limits: raster.Limits,
        page_concurrency: int,
    ) -> None:
        self._upstream = upstream
        self._metrics = metrics
        self._limits = limits
        self._page_concurrency = page_concurrency
        self._room = PixelRoom(MAX_HELD_PIXELS)

    @asynccontextmanager
    async def reading(self, data: bytes, job: Job) -> AsyncIterator[Reading]:
        """A document's results in page order, each as soon as it and those before it are there.

        Not more than `page_concurrency` pages are read ahead of the caller. Leaving the block ends the work.

        Raises:
            Problem: the document's, before the first result, or the deadline's; what is wrong with one page
                of several is its outcome.
        """
        job = replace(job, deadline=job.deadline.within(job.options.deadline_ms))
        async with job.deadline.enforced():
            with job.timings.measure("decode"):
                info = await asyncio.to_thread(pages.inspect, data, self._limits)
            reading = self._file(data, job) if info.frames == 1 else self._sheets(data, info.frames, job)
            async with aclosing(reading) as results:
                yield Reading(info.frames, results)

    async def recognise(self, data: bytes, job: Job) -> Recognised:
        """Recognise a whole document.

        Raises:
            Problem: as `reading`; that of the first page when none could be read.
        """
        with job.timings.measure("upstream"):
            async with self.reading(data, job) as arriving:
                results = tuple([result async for result in arriving])
        recognised = Recognised(results, job.timings.stages)
        if not recognised.pages and isinstance(first := results[0].outcome, Problem):
            raise first
        return recognised

    async def _file(self, data: bytes, job: Job) -> AsyncGenerator[PageResult]:
        document = await self._infer(pages.whole(data, job.request_id), job)
        yield _result(1, document.pages[0], document.model, job)

    async def _sheets(self, data: bytes, count: int, job: Job) -> AsyncGenerator[PageResult]:
        frames = raster.reduced_frames(data, self._limits, pages.REDUCE_ABOVE)
        ahead: deque[asyncio.Task[PageResult]] = deque()
        try:
            for number in range(1, count + 1):
                if len(ahead) == self._page_concurrency:
                    yield await ahead.popleft()
                ahead.append(await self._begin(frames, number, job))
            while ahead:
                yield await ahead.popleft()
        finally:
            for task in ahead:
                task.cancel()
            await asyncio.gather(*ahead, return_exceptions=True)

    async def _begin(self, frames: Iterator[raster.Frame], number: int, job: Job) -> asyncio.Task[PageResult]:
        """Decode the next page, and start reading it."""
        with job.timings.measure("decode"):
            work = partial(pages.next_sheet, frames, number, job.request_id)
            sheet = await self._room.decode(work, lambda sheet: sheet.pixels)
        task = asyncio.create_task(self._read(sheet, job))
        task.add_done_callback(partial(self._read_done, sheet.pixels))
        return task

    def _read_done(self, pixels: int, _: asyncio.Task[PageResult]) -> None:
        self._room.free(pixels)

    async def _read(self, sheet: pages.Sheet, job: Job) -> PageResult:
        try:
            document = await self._infer(sheet.message, job)
        except Problem as problem:
            problem.page = sheet.number
            return PageResult(sheet.number, problem)
        page = scaled(document.pages[0], sheet.width, sheet.height)
        return _result(sheet.number, page, document.model, job)

    async def _infer(self, message: oip.Message, job: Job) -> Document:
        call = Call("POST", INFER_PATH, job.request_id, message.headers, message.body)
        ok = False
        try:
            answer = await self._upstream.send(call, job.deadline)
            answer.raise_for_problem()
            document = _document(answer)
            ok = True
            for stage, milliseconds in answer.timings_ms.items():
                job.timings.add(stage, milliseconds)
        finally:
            self._metrics.page(ok=ok)
        return document


def _result(number: int, page: Page, model: ModelRef, job: Job) -> PageResult:
    return PageResult(number, surer(page, job.options.min_confidence), model)


def _document(answer: Answer) -> Document:
    length = answer.headers.get(oip.HEADER_LENGTH.lower(), "")
    try:
        response = oip.decode_response(answer.body, int(length) if length.isdecimal() else None)
        (result,) = (tensor.data for tensor in response.outputs if tensor.name == "result")
        return Document.model_validate_json(bytes(result[0]))
    except (oip.OipError, ValidationError, ValueError, LookupError) as error:
        raise Problem("upstream_error", "A model server's answer could not be read.") from error
