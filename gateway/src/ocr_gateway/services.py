"""What the routes work with, built once for each app."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from starlette.requests import Request

from ocr_gateway.access.caller import caller
from ocr_gateway.config import Config
from ocr_gateway.deadline import Deadline
from ocr_gateway.documents.admission import Admission
from ocr_gateway.documents.body import BodyLimits
from ocr_gateway.edge import Exchange
from ocr_gateway.formats.child import Children
from ocr_gateway.jobs.store import JobStore
from ocr_gateway.metrics import Metrics
from ocr_gateway.problems import ClientGone
from ocr_gateway.recognise import Recogniser
from ocr_gateway.upstream.balancer import Balancer
from ocr_gateway.upstream.client import Upstream

T = TypeVar("T")


@dataclass(frozen=True)
class Services:
    """The parts that all requests share."""

    config: Config
    metrics: Metrics
    admission: Admission
    balancer: Balancer
    upstream: Upstream
    recogniser: Recogniser
    children: Children
    discovering: asyncio.Task[None]
    jobs: JobStore | None = None

    @property
    def body_limits(self) -> BodyLimits:
        return BodyLimits(self.config.max_body_bytes, self.config.body_stall_seconds)

    def deadline(self) -> Deadline:
        """The deadline of a request that begins now."""
        return Deadline.after(self.config.request_timeout_seconds)


def services_of(request: Request) -> Services:
    """The services of the app that serves this request."""
    return cast(Services, request.state.services)


def exchange_of(request: Request) -> Exchange:
    """What the edge noted about this request."""
    return cast(Exchange, request.state.exchange)


def client_of(request: Request) -> str:
    """The name of the authenticated client; empty where clients are known by their address only."""
    return caller().client if services_of(request).config.access.authenticates else ""


async def while_connected(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """Run `work` and cancel it when the client goes; only once the body has been read.

    Raises:
        ClientGone: the connection was closed first.
    """
    working = asyncio.ensure_future(work)
    watching = asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise ClientGone
    finally:
        working.cancel()
        watching.cancel()
        await asyncio.gather(working, watching, return_exceptions=True)


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        continue
