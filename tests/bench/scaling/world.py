"""A simulated service in virtual time: the gateways' own code in front of model servers that only wait.

What decides is real: `FairQueue`, `Balancer` and `Upstream` of the gateway, and the client's `Retries`.
Simulated are the network, the processor of a gateway (one request at a time) and the model servers (so many
pages at a time, the others in order).
"""

import asyncio
import itertools
import math
import random
from collections import deque
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import aiohttp

from kubeocr.errors import OcrError
from kubeocr.retries import Retries
from ocr_gateway.access.caller import CALLER, Caller
from ocr_gateway.config import HostPort
from ocr_gateway.deadline import Deadline
from ocr_gateway.metrics import Metrics
from ocr_gateway.problems import Problem
from ocr_gateway.upstream.answer import OK
from ocr_gateway.upstream.balancer import Balancer
from ocr_gateway.upstream.client import Call, Upstream
from ocr_gateway.upstream.resolver import Endpoint
from ocr_gateway.upstream.traffic import Split, Undivided
from ocr_wire.tracing import Passing

DEADLINE_SECONDS = 60.0
NOT_READY_SECONDS = 5.0
DISCOVERY_SECONDS = 1.0
CLIENTS = 200
_SECONDS = "X-Simulated-Seconds"
_PORT = 8080


@dataclass(frozen=True, slots=True)
class Response:
    """What aiohttp would give, as far as the gateway reads it."""

    status: int
    headers: Mapping[str, str]

    async def read(self) -> bytes:
        return b"{}"


class Server:
    """A model server: `threads` pages at a time, in the order in which they came."""

    def __init__(self, threads: int) -> None:
        self._threads, self._working = threads, 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._busy_seconds = self._since = 0.0

    def busy_seconds(self) -> float:
        """Seconds of all threads' work until now."""
        now = asyncio.get_running_loop().time()
        self._busy_seconds += self._working * (now - self._since)
        self._since = now
        return self._busy_seconds

    async def read(self, seconds: float) -> Response:
        """Work so long on a page, when it is its turn; a caller that goes takes its page along."""
        loop = asyncio.get_running_loop()
        came = loop.time()
        await self._turn()
        queued = loop.time() - came
        try:
            await asyncio.sleep(seconds)
        finally:
            self._works(-1)
            self._next()
        return Response(OK, {"Server-Timing": f"queue;dur={1000 * queued:.3f}"})

    async def _turn(self) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self._next()
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                self._works(-1)
                self._next()
            raise

    def _next(self) -> None:
        while self._waiting and self._working < self._threads:
            turn = self._waiting.popleft()
            if not turn.cancelled():
                self._works(1)
                turn.set_result(None)

    def _works(self, more: int) -> None:
        self.busy_seconds()
        self._working += more


class Network:
    """Stands where aiohttp's session does: requests reach the simulated servers."""

    def __init__(self) -> None:
        self.servers: dict[str, Server] = {}

    @asynccontextmanager
    async def request(
        self, _method: str, url: str, *, headers: Mapping[str, str], **_: Any
    ) -> AsyncIterator[Response]:
        """As aiohttp's method of that name."""
        yield await self.servers[url.split("/")[2]].read(float(headers[_SECONDS]))


class Gateway:
    """One gateway: its own queue and its own view of the model servers."""

    def __init__(self, network: Network, request_seconds: float, rng: random.Random) -> None:
        self._request_seconds = request_seconds
        self._processor = asyncio.Lock()
        self.balancer = Balancer(asyncio.get_running_loop().time, rng)
        self.upstream = Upstream(
            cast("aiohttp.ClientSession", network),
            Undivided(Split({HostPort("", _PORT): 100})),
            self.balancer,
            Metrics("simulated"),
            Passing(),
            NOT_READY_SECONDS,
        )

    @property
    def waiting(self) -> int:
        """Pages that wait for a model server."""
        return self.upstream.queue.waiting

    async def read(self, seconds: float, request_id: str) -> None:
        """One page that a model server works on for so long. Raises Problem as the real one answers."""
        deadline = Deadline.after(DEADLINE_SECONDS)
        async with deadline.enforced():
            async with self._processor:
                await asyncio.sleep(self._request_seconds)
            call = Call("POST", "/", request_id, {_SECONDS: str(seconds)}, body=b"")
            (await self.upstream.send(call, deadline)).raise_for_problem()


@dataclass(slots=True)
class Page:
    """What became of one page; times in seconds of the simulation."""

    came: float
    calls: int = 0
    answered: float | None = None

    @property
    def seconds(self) -> float:
        """From the first call to the text."""
        assert self.answered is not None
        return self.answered - self.came


@dataclass
class Fleet:
    """Gateways and model servers, and the pages they were sent."""

    threads: int
    network: Network = field(default_factory=Network)
    gateways: list[Gateway] = field(default_factory=list)
    pages: list[Page] = field(default_factory=list)
    _addresses: Iterable[int] = field(default_factory=itertools.count)
    _endpoints: list[Endpoint] = field(default_factory=list)

    @property
    def servers(self) -> list[Server]:
        """Those that new pages go to."""
        return [self.network.servers[endpoint.authority] for endpoint in self._endpoints]

    @property
    def waiting(self) -> int:
        """Pages that wait at the gateways, which is what QueueDepth measures."""
        return sum(gateway.waiting for gateway in self.gateways)

    def resize(self, count: int) -> None:
        """So many model servers; one that goes finishes what it has."""
        for number in itertools.islice(self._addresses, max(0, count - len(self._endpoints))):
            endpoint = Endpoint(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", _PORT)
            self._endpoints.append(endpoint)
            self.network.servers[endpoint.authority] = Server(self.threads)
        del self._endpoints[count:]

    def discover(self) -> None:
        """All gateways hear of the model servers there are."""
        for gateway in self.gateways:
            gateway.balancer.update(self._endpoints)

    async def keep_discovering(self) -> None:
        """As each gateway does; a pod is ready before its address is in the DNS."""
        while True:
            self.discover()
            await asyncio.sleep(DISCOVERY_SECONDS)

    async def send(self, seconds: float, number: int, retries: Retries, rng: random.Random) -> None:
        """A client's page, with the pauses and repetitions of the project's own client."""
        page = Page(asyncio.get_running_loop().time())
        self.pages.append(page)
        CALLER.set(Caller(f"client-{number % CLIENTS}"))
        while True:
            page.calls += 1
            try:
                await rng.choice(self.gateways).read(seconds, str(number))
            except Problem as problem:
                after = math.ceil(problem.retry_after or 1)
                told = OcrError(problem.code, "", status=problem.status, retry_after=after)
                pause = retries.pause(told, page.calls)
                if pause is None:
                    return
                await asyncio.sleep(pause)
            else:
                page.answered = asyncio.get_running_loop().time()
                return
