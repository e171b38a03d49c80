"""A document's bytes to its recognised pages: the story of every OCR request."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from pydantic import ValidationError

from ocr_gateway.deadline import Deadline
from ocr_gateway.documents import pages
from ocr_gateway.documents.admission import PixelRoom
from ocr_gateway.metrics import Metrics
from ocr_gateway.problems import Problem
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
    """One request on its way, with what it has left of time."""

    request_id: str
    deadline: Deadline
    timings: Timings = field(default_factory=Timings)


@dataclass(frozen=True)
class Recognised:
    """All pages of a document, in order."""

    model: ModelRef
    pages: tuple[Page, ...]
    timings_ms: dict[str, float]

    @property
    def text(self) -> str:
        """The pages joined by a blank line."""
        return Document(model=self.model, pages=self.pages).text


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

    async def recognise(self, data: bytes, job: Job) -> Recognised:
        """Recognise a document, or fail as a whole.

        Raises:
            Problem: the image's, the model servers' or the deadline's; `page` is set when it is one page's.
        """
        async with job.deadline.enforced():
            with job.timings.measure("decode"):
                info = await asyncio.to_thread(pages.inspect, data, self._limits)
            with job.timings.measure("upstream"):
                if info.frames == 1:
                    documents = [await self._send_file(data, job)]
                else:
                    documents = await self._send_pages(data, info.frames, job)
        read = tuple(page for document in documents for page in document.pages)
        return Recognised(documents[0].model, read, job.timings.stages)

    async def _send_file(self, data: bytes, job: Job) -> Document:
        return await self._infer(pages.whole(data, job.request_id), job)

    async def _send_pages(self, data: bytes, count: int, job: Job) -> list[Document]:
        frames = raster.reduced_frames(data, self._limits, pages.REDUCE_ABOVE)
        slots = asyncio.Semaphore(self._page_concurrency)
        try:
            async with asyncio.TaskGroup() as group:
                tasks = []
                for number in range(1, count + 1):
                    await slots.acquire()
                    sheet = await self._decode(frames, number, job)
                    task = group.create_task(self._send_page(sheet, job))
                    task.add_done_callback(partial(self._page_done, slots, sheet.pixels))
                    tasks.append(task)
                    del sheet  # the task's own reference is the last one
        except* Problem as problems:
            first = min(_leaves(problems), key=lambda problem: problem.page or 0)
        else:
            return [task.result() for task in tasks]
        raise first

    def _page_done(self, slots: asyncio.Semaphore, pixels: int, _: asyncio.Task[Document]) -> None:
        self._room.free(pixels)
        slots.release()

    async def _decode(self, frames: Iterator[raster.Frame], number: int, job: Job) -> pages.Sheet:
        """The next page, whose pixels the caller frees."""
        with job.timings.measure("decode"):
            work = partial(pages.next_sheet, frames, number, job.request_id)
            return await self._room.decode(work, lambda sheet: sheet.pixels)

    async def _send_page(self, sheet: pages.Sheet, job: Job) -> Document:
        try:
            document = await self._infer(sheet.message, job)
        except Problem as problem:
            problem.page = sheet.number
            raise
        restored = tuple(sheet.restored(page) for page in document.pages)
        return document.model_copy(update={"pages": restored})

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


def _document(answer: Answer) -> Document:
    length = answer.headers.get(oip.HEADER_LENGTH.lower(), "")
    try:
        response = oip.decode_response(answer.body, int(length) if length.isdecimal() else None)
        (result,) = (tensor.data for tensor in response.outputs if tensor.name == "result")
        return Document.model_validate_json(bytes(result[0]))
    except (oip.OipError, ValidationError, ValueError, LookupError) as error:
        raise Problem("upstream_error", "A model server's answer could not be read.") from error


def _leaves(group: BaseExceptionGroup[Problem]) -> Iterator[Problem]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
