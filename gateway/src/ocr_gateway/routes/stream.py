"""A document as a stream of events, each sent as soon as its page and those before it are read."""

import logging
from contextlib import ExitStack

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ocr_gateway.formats import ndjson
from ocr_gateway.formats.view import View
from ocr_gateway.problems import ClientGone, Problem
from ocr_gateway.recognise import Job, Recogniser
from ocr_gateway.services import while_connected

log = logging.getLogger(__name__)


class Stream(Response):
    """Reads while it answers; `held` is closed at the end, whatever the end is.

    What is wrong before the first event is an ordinary problem. Afterwards it is the `end` event: a broken
    connection would not say why.
    """

    media_type = "application/x-ndjson"

    def __init__(
        self, request: Request, recogniser: Recogniser, job: Job, view: View, held: ExitStack
    ) -> None:
        super().__init__(headers={"Vary": "Accept", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._request = request
        self._recogniser = recogniser
        self._job = job
        self._view = view
        self._held = held
        self._begun = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events; raises ClientGone when nobody takes them."""
        with self._held:
            await while_connected(self._request, self._answer(send))

    async def _answer(self, send: Send) -> None:
        try:
            last = await self._pages(send)
        except ClientGone:
            raise
        except Exception as error:
            if not self._begun:
                raise
            last = ndjson.broken(self._problem(error), self._view)
        await send({"type": "http.response.body", "body": last, "more_body": False})

    async def _pages(self, send: Send) -> bytes:
        read = 0
        async with self._recogniser.reading(self._view.document, self._job) as results:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            self._begun = True
            await self._event(send, ndjson.meta(results.total, self._view))
            async for result in results:
                read += not isinstance(result.outcome, Problem)
                await self._event(send, ndjson.page(result, self._view))
        status: ndjson.Status = "succeeded" if read == results.total else "partial" if read else "failed"
        return ndjson.end(status, self._job.timings.stages)

    async def _event(self, send: Send, event: bytes) -> None:
        await send({"type": "http.response.body", "body": event, "more_body": True})

    def _problem(self, error: Exception) -> Problem:
        if isinstance(error, Problem):
            return error
        log.error("stream failed", exc_info=error, extra={"request_id": self._job.request_id})
        return Problem("internal", f"Report request {self._job.request_id} to the operators.")
