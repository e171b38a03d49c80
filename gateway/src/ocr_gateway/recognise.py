"""A document's bytes to its recognised pages: the story of every OCR request."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from pydantic import ValidationError

from ocr_gateway.deadline import Deadline
from ocr_gateway.documents.admission import PixelRoom
from ocr_gateway.metrics import Metrics
from ocr_gateway.problems import Problem
from ocr_gateway.upstream.answer import Answer
from ocr_gateway.upstream.client import Call, Upstream
from ocr_wire import oip, raster
from ocr_wire.result import Document, ModelRef, Page

INFER_PATH = "/v2/models/ocr/infer"
WANTED = (oip.RequestedOutput("result", {"binary_data": True}),)


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
        self._room = PixelRoom(limits.max_pixels)

    async def recognise(self, data: bytes, job: Job) -> Recognised:
        """Recognise a document, or fail as a whole.

        Raises:
            Problem: the image's, the model servers' or the deadline's; `page` is set when it is one page's.
        """
        async with job.deadline.enforced():
            with job.timings.measure("decode"):
                info = await asyncio.to_thread(self._inspect, data)
            with job.timings.measure("upstream"):
                if info.frames == 1:
                    documents = [await self._send_file(data, job)]
                else:
                    documents = await self._send_pages(data, info.frames, job)
        pages = tuple(page for document in documents for page in document.pages)
        return Recognised(documents[0].model, pages, job.timings.stages)

    def _inspect(self, data: bytes) -> raster.ImageInfo:
        try:
            return raster.inspect(data, self._limits)
        except raster.ImageProblem as problem:
            raise _translated(problem) from problem

    async def _send_file(self, data: bytes, job: Job) -> Document:
        message = _message(oip.bytes_tensor("image", (data,)), job)
        return await self._infer(message, job)

    async def _send_pages(self, data: bytes, count: int, job: Job) -> list[Document]:
        frames = raster.frames(data, self._limits)
        slots = asyncio.Semaphore(self._page_concurrency)
        try:
            async with asyncio.TaskGroup() as group:
                tasks = []
                for number in range(1, count + 1):
                    await slots.acquire()
                    message, pixels = await self._decode(frames, number, job)
                    task = group.create_task(self._send_page(message, number, job))
                    task.add_done_callback(partial(self._page_done, slots, pixels))
                    tasks.append(task)
                    del message  # the task's own reference is the last one
        except* Problem as problems:
            first = min(_leaves(problems), key=lambda problem: problem.page or 0)
        else:
            return [task.result() for task in tasks]
        raise first

    def _page_done(self, slots: asyncio.Semaphore, pixels: int, _: asyncio.Task[Document]) -> None:
        self._room.free(pixels)
        slots.release()

    async def _decode(
        self, frames: Iterator[raster.Pixels], number: int, job: Job
    ) -> tuple[oip.Message, int]:
        """The next page as a message, and its pixels, which the caller frees."""

        def work() -> tuple[oip.Message, int]:
            try:
                pixels = next(frames)
            except raster.ImageProblem as problem:
                raise _translated(problem, number) from problem
            height, width, _ = pixels.shape
            tensor = oip.Tensor("image", "UINT8", pixels.shape, pixels)
            return _message(tensor, job), height * width

        with job.timings.measure("decode"):
            return await self._room.decode(work, lambda done: done[1])

    async def _send_page(self, message: oip.Message, number: int, job: Job) -> Document:
        try:
            return await self._infer(message, job)
        except Problem as problem:
            problem.page = number
            raise

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


def _message(tensor: oip.Tensor, job: Job) -> oip.Message:
    return oip.encode_request(oip.InferRequest((tensor,), id=job.request_id, outputs=WANTED))


def _document(answer: Answer) -> Document:
    length = answer.headers.get(oip.HEADER_LENGTH.lower(), "")
    try:
        response = oip.decode_response(answer.body, int(length) if length.isdecimal() else None)
        (result,) = (tensor.data for tensor in response.outputs if tensor.name == "result")
        return Document.model_validate_json(bytes(result[0]))
    except (oip.OipError, ValidationError, ValueError, LookupError) as error:
        raise Problem("upstream_error", "A model server's answer could not be read.") from error


def _translated(problem: raster.ImageProblem, page: int | None = None) -> Problem:
    return Problem(problem.code, problem.detail, limit=problem.limit, actual=problem.actual, page=page)


def _leaves(group: BaseExceptionGroup[Problem]) -> Iterator[Problem]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
