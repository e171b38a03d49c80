"""A plain-HTTP proxy between the operator and a real apiserver that injects faults by rules."""

import asyncio
import json
import socket
import struct
import threading
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
import yaml
from aiohttp import web

from ocr_operator.cluster.kube.access import Access
from tests.cluster.pki import CONTEXT_PREFIX

PASSED = ("Accept", "Content-Type", "User-Agent")
LINGER_NONE = struct.pack("ii", 1, 0)


@dataclass(frozen=True)
class Call:
    """One request as the proxy saw it."""

    method: str
    path: str
    query: dict[str, str]
    agent: str

    @property
    def is_watch(self) -> bool:
        """Whether it asks for a stream of events."""
        return self.query.get("watch") == "true"

    @property
    def asked(self) -> str:
        """All of it that decides about the answer."""
        return f"{self.method} {self.path} {sorted(self.query.items())}"

    @property
    def is_write(self) -> bool:
        """Whether it asks for a change."""
        return self.method != "GET"

    @property
    def is_operator(self) -> bool:
        """Whether the operator sent it."""
        return self.agent == "ocr-operator"


def call_of(request: web.Request) -> Call:
    """What a request asks for."""
    return Call(request.method, request.path, dict(request.query), request.headers.get("User-Agent", ""))


Action = Callable[["FaultProxy", web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Rule:
    """What happens to the operator's calls that match, `times` times; `hits` counts them."""

    matches: Callable[[Call], bool]
    action: Action
    times: float = float("inf")
    hits: int = field(default=0, init=False)

    def take(self, call: Call) -> bool:
        """Whether it applies to this call, which then counts."""
        if self.hits >= self.times or not call.is_operator or not self.matches(call):
            return False
        self.hits += 1
        return True


def answer(status: int, message: str, headers: dict[str, str] | None = None) -> Action:
    """A refusal of the apiserver's kind, without asking it."""

    async def act(_proxy: "FaultProxy", _request: web.Request) -> web.StreamResponse:
        body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": status}
        return web.json_response(body, status=status, headers=headers)

    return act


def replay(answers: Mapping[str, bytes]) -> Action:
    """What was answered before to the same request; see `asked`."""

    async def act(_proxy: "FaultProxy", request: web.Request) -> web.StreamResponse:
        return web.Response(body=answers[call_of(request).asked], content_type="application/json")

    return act


def watch_error(code: int) -> Action:
    """A watch that begins well and then tells an ERROR, as the apiserver does for 410."""

    async def act(_proxy: "FaultProxy", request: web.Request) -> web.StreamResponse:
        status = {
            "kind": "Status",
            "apiVersion": "v1",
            "status": "Failure",
            "code": code,
            "message": "injected",
        }
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        await response.write(json.dumps({"type": "ERROR", "object": status}).encode() + b"\n")
        return response

    return act


async def reset(_proxy: "FaultProxy", request: web.Request) -> web.StreamResponse:
    """A connection that is reset before the request reaches the apiserver."""
    _reset(request)
    return web.Response()


async def reset_after(proxy: "FaultProxy", request: web.Request) -> web.StreamResponse:
    """A request that is carried out, and whose answer is lost."""
    await proxy.ask(request)
    _reset(request)
    return web.Response()


async def late(proxy: "FaultProxy", request: web.Request) -> web.StreamResponse:
    """A request that is carried out, of which a gateway in between says that it took too long."""
    await proxy.ask(request)
    return await answer(504, "timeout")(proxy, request)


async def silent(proxy: "FaultProxy", request: web.Request) -> web.StreamResponse:
    """A half-open connection: nothing comes while watches are frozen, and then it is reset."""
    await proxy.thawed()
    return await reset(proxy, request)


def slow(seconds: float) -> Action:
    """A late answer."""

    async def act(proxy: "FaultProxy", request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(seconds)
        return await proxy.forward(request)

    return act


def after(callback: Callable[[], None]) -> Action:
    """The request is carried out, then the callback runs, then the answer goes out."""

    async def act(proxy: "FaultProxy", request: web.Request) -> web.StreamResponse:
        response = await proxy.ask(request)
        await asyncio.get_running_loop().run_in_executor(None, callback)
        return response

    return act


def _reset(request: web.Request) -> None:
    transport = request.transport
    if transport is not None:
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NONE)
        transport.abort()


class FaultProxy:
    """Runs in a thread of its own from `with` to its end, and speaks as the kubeconfig's user."""

    def __init__(self, kubeconfig: Path, folder: Path) -> None:
        """`folder` gets the kubeconfig that leads to the proxy."""
        self._upstream = kubeconfig
        self._folder = folder
        self._rules: list[Rule] = []
        self._watches: list[web.Request] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.calls: list[Call] = []
        # Told of each answer of the apiserver to a request that is no watch.
        self.hear: Callable[[Call, int, bytes], None] = lambda *_: None

    def __enter__(self) -> Self:
        """Listen on a free port of loopback."""
        self._thread.start()
        self._do(self._start())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close everything."""
        self._do(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _do(self, work: Any) -> Any:
        future: Future[Any] = asyncio.run_coroutine_threadsafe(work, self._loop)
        return future.result(30)

    async def _start(self) -> None:
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._access = await Access.load(self._upstream)
        self._session = self._access.session()
        app = web.Application(client_max_size=2**24)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = "http://{}:{}".format(*self._runner.addresses[0][:2])
        self.kubeconfig = self._folder / "faultproxy.kubeconfig"
        self.kubeconfig.write_text(yaml.safe_dump(_kubeconfig(self.url)))

    async def _stop(self) -> None:
        self._flowing.set()
        await self._runner.cleanup()
        await self._session.close()
        # What a reset connection left behind.
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def inject(self, matches: Callable[[Call], bool], action: Action, times: float = float("inf")) -> Rule:
        """Add a rule; the first that matches a call of the operator decides."""
        rule = Rule(matches, action, times)
        self._rules.append(rule)
        return rule

    def heal(self) -> None:
        """Remove all rules, and let watches flow again."""
        self._rules.clear()
        self.thaw()

    def thaw(self) -> None:
        """Let watches flow again."""
        self._loop.call_soon_threadsafe(self._flowing.set)

    def drop_watches(self) -> int:
        """Reset all open watches; how many there were."""

        async def drop() -> int:
            for request in self._watches:
                _reset(request)
            return len(self._watches)

        return int(self._do(drop()))

    def freeze_watches(self) -> None:
        """From now on watches, new ones too, stay open and tell nothing, as if the peer were gone."""

        async def freeze() -> None:
            self._flowing.clear()

        self._do(freeze())

    async def thawed(self) -> None:
        """Return when watches flow."""
        await self._flowing.wait()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        call = call_of(request)
        self.calls.append(call)
        rule = next((rule for rule in self._rules if rule.take(call)), None)
        try:
            return await (rule.action(self, request) if rule else self.forward(request))
        except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError):
            # The apiserver itself is down, or went while it answered.
            return await reset(self, request)

    async def forward(self, request: web.Request) -> web.StreamResponse:
        """What the apiserver answers, streamed if it is a watch."""
        if request.query.get("watch") != "true":
            return await self.ask(request)
        self._watches.append(request)
        try:
            return await self._stream(request)
        finally:
            self._watches.remove(request)

    async def ask(self, request: web.Request) -> web.Response:
        """What the apiserver answers, as a whole."""
        async with self._send(request) as answer:
            headers = {name: answer.headers[name] for name in ("Retry-After",) if name in answer.headers}
            headers["Content-Type"] = answer.headers.get("Content-Type", "application/json")
            body = await answer.read()
            self.hear(call_of(request), answer.status, body)
            return web.Response(body=body, status=answer.status, headers=headers)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        async with self._send(request) as answer:
            response = web.StreamResponse(status=answer.status, headers={"Content-Type": "application/json"})
            await response.prepare(request)
            async for chunk in answer.content.iter_any():
                await self._flowing.wait()
                await response.write(chunk)
            return response

    def _send(self, request: web.Request) -> Any:
        return self._session.request(
            request.method,
            f"{self._access.server}{request.raw_path}",
            data=request.content if request.body_exists else None,
            headers={name: request.headers[name] for name in PASSED if name in request.headers},
            timeout=aiohttp.ClientTimeout(total=None),
        )


def _kubeconfig(url: str) -> dict[str, Any]:
    name = f"{CONTEXT_PREFIX}faults"
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [{"name": name, "cluster": {"server": url}}],
        "users": [{"name": name, "user": {}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
    }
