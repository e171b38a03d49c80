"""The processes that draw PDFs: how many there are, one ready ahead of need, a new one after a failure."""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self, TypeVar

from ocr_gateway.documents.renderer import Renderer, RendererFailed
from ocr_gateway.documents.settings import DocumentSettings

T = TypeVar("T")


class Renderers:
    """Gives each document a process of its own; an async context manager that ends them all."""

    def __init__(self, settings: DocumentSettings) -> None:
        """Start nothing: a gateway that never meets a PDF needs no process."""
        self._settings = settings
        self._places = asyncio.Semaphore(settings.renderers)
        self.drawing = asyncio.Semaphore(settings.rendering)
        # One more than there are documents, for the process that is being started.
        self.threads = ThreadPoolExecutor(settings.renderers + 1, "pdf")
        self._spare: asyncio.Future[Renderer] | None = None

    async def __aenter__(self) -> Self:
        """Itself."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the spare process; all documents are closed by now."""
        if self._spare is not None:
            (await self._spare).close()
        self.threads.shutdown()

    @asynccontextmanager
    async def opened(self, data: bytes) -> AsyncIterator["OpenPdf"]:
        """A document, once there is a place for it.

        Raises:
            RendererFailed: it takes too long or too much memory to open.
            Refused: it is encrypted or corrupt.
        """
        async with self._places:
            document = OpenPdf(data, self)
            try:
                await document.ask(lambda _: None)
                yield document
            finally:
                document.close()

    async def take(self) -> Renderer:
        """A process that waits for a document; the next one is started meanwhile."""
        coming, self._spare = self._spare or self._start(), self._start()
        renderer = await _owned(coming)
        if renderer.alive:
            return renderer
        renderer.close()
        return await _owned(self._start())

    def _start(self) -> asyncio.Future[Renderer]:
        return asyncio.get_running_loop().run_in_executor(self.threads, Renderer, self._settings)


async def _owned(coming: asyncio.Future[Renderer]) -> Renderer:
    """The process; ended when nobody waits for it any more."""
    try:
        return await asyncio.shield(coming)
    except asyncio.CancelledError:
        coming.add_done_callback(lambda started: started.result().close())
        raise


class OpenPdf:
    """A document that is asked one thing at a time. A failed process is replaced at the next question."""

    def __init__(self, data: bytes, renderers: Renderers) -> None:
        """Start nothing yet."""
        self._data = data
        self._renderers = renderers
        self._renderer: Renderer | None = None
        self.count = 0

    async def ask(self, question: Callable[[Renderer], T]) -> T:
        """Have the process answer, in a thread. A cancellation ends the process, and so the thread.

        Raises:
            RendererFailed, Refused.
        """
        async with self._renderers.drawing:
            fresh = self._renderer is None
            renderer = self._renderer = self._renderer or await self._renderers.take()
            loop = asyncio.get_running_loop()
            answer = loop.run_in_executor(self._renderers.threads, self._asked, renderer, question, fresh)
            try:
                return await asyncio.shield(answer)
            except asyncio.CancelledError:
                renderer.kill()
                await asyncio.wait({answer})
                answer.exception()
                raise

    def turn_over(self) -> None:
        """Tell that another page begins: a process that holds too much of those before is replaced."""
        if self._renderer is not None and self._renderer.bloated:
            self.close()

    def close(self) -> None:
        """End the process."""
        if self._renderer is not None:
            self._renderers.threads.submit(self._renderer.close)
            self._renderer = None

    def _asked(self, renderer: Renderer, question: Callable[[Renderer], T], fresh: bool) -> T:  # noqa: FBT001
        try:
            if fresh:
                self.count = renderer.open(self._data)
            return question(renderer)
        except RendererFailed:
            self.close()
            raise
