"""kube-proxy's and DNS's role: headless Services are endpoint files, the others are loopback ports."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from ocr_operator.cluster.local.processes import LOOPBACK
from ocr_operator.cluster.local.proxy import Endpoint, Proxy
from ocr_operator.cluster.local.store import Store
from ocr_operator.models.manifest import POD, SERVICE, Manifest, Ref, ref

MAX_PORT: Final = 65_535


class PortTakenError(Exception):
    """Somebody listens on the port already; the message says so in one line."""


def listen(port: int) -> socket.socket:
    """A socket that listens on a loopback port. Raises PortTakenError; OSError for other reasons."""
    server = socket.socket()
    try:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((LOOPBACK, port))
        server.listen(1024)
    except OSError as error:
        server.close()
        if error.errno == errno.EADDRINUSE:
            raise PortTakenError(
                f"port {port} of {LOOPBACK} is in use; stop what listens there or choose another port"
            ) from None
        raise
    server.setblocking(False)  # noqa: FBT003 - the standard library's signature
    return server


class Services:
    """All Services of the store; `run` keeps them until it is cancelled, `close` frees the ports.

    The first Service that is no headless one gets `first`, a listening socket; others the next free ports.
    A Service that goes gives its port back.
    """

    def __init__(self, store: Store, first: socket.socket, endpoints: Callable[[str], Path]) -> None:
        self._store = store
        self._first: socket.socket | None = first
        self._base = _port(first)
        self._endpoints = endpoints
        self._ports: dict[Ref, socket.socket] = {}
        self._proxies: dict[Ref, Proxy] = {}
        self._files: dict[Path, str] = {}
        self._wake = asyncio.Event()
        store.subscribe(self._changed)

    async def run(self) -> None:
        """Bring ports and files in line whenever something changes."""
        while True:
            self._wake.clear()
            await self._sync()
            await self._wake.wait()

    def stop(self) -> None:
        """Take no more connections."""
        for proxy in self._proxies.values():
            proxy.stop()
        for server in (*self._ports.values(), *filter(None, [self._first])):
            server.close()

    async def close(self) -> None:
        """Take no more connections and cut those that are open."""
        self.stop()
        for proxy in self._proxies.values():
            await proxy.close()
        self._proxies.clear()

    def _changed(self, ref: Ref, live: Manifest) -> None:
        if ref.kind == SERVICE and not headless(live) and self._store.read(ref) is not None:
            # At once: who applied the Service reads its address from the answer.
            if ref not in self._ports:
                self._ports[ref], self._first = self._first or self._next(), None
            ingress = {"ip": LOOPBACK, "ports": [{"port": _port(self._ports[ref]), "protocol": "TCP"}]}
            self._store.put_status(ref, {"loadBalancer": {"ingress": [ingress]}})
        if ref.kind in (SERVICE, POD):
            self._wake.set()

    async def _sync(self) -> None:
        services = {ref(live): live for live in self._store.select(SERVICE)}
        self._write({key: live for key, live in services.items() if headless(live)})
        for key in self._ports.keys() - services.keys():
            if key in self._proxies:
                await self._proxies.pop(key).close()
            self._ports.pop(key).close()
        for key in self._ports.keys() - self._proxies.keys():
            find = partial(ready_endpoints, self._store, key)
            self._proxies[key] = await Proxy.open(self._ports[key], find)

    def _next(self) -> socket.socket:
        for port in range(self._base, MAX_PORT + 1):
            try:
                return listen(port)
            except PortTakenError:
                continue
        raise PortTakenError(f"no port from {self._base} on is free")

    def _write(self, services: dict[Ref, Manifest]) -> None:
        """One file a Service, `ip:port` a line, replaced as a whole and only when it differs."""
        wanted = {
            self._endpoints(key.namespace) / key.name: "".join(
                f"{host}:{port}\n" for host, port in ready_endpoints(self._store, key)
            )
            for key in services
        }
        for path in self._files.keys() - wanted.keys():
            path.unlink(missing_ok=True)
        for path, text in wanted.items():
            if self._files.get(path) != text:
                path.parent.mkdir(parents=True, exist_ok=True)
                fresh = path.with_name(f".{path.name}.new")
                fresh.write_text(text)
                fresh.replace(path)
        self._files = wanted


def _port(server: socket.socket) -> int:
    port: int = server.getsockname()[1]
    return port


def headless(service: Manifest) -> bool:
    """Whether clients get the pods' own addresses."""
    return bool(service["spec"].get("clusterIP") == "None")


def ready_endpoints(store: Store, service: Ref) -> tuple[Endpoint, ...]:
    """Address and port of each ready pod behind a Service; a pod that is going is none of them."""
    live = store.read(service)
    if live is None:
        return ()
    target = live["spec"]["ports"][0]["targetPort"]
    return tuple(
        (pod["status"]["podIP"], port["containerPort"])
        for pod in store.select(POD, service.namespace, live["spec"]["selector"])
        if _ready(pod)
        for port in pod["spec"]["containers"][0]["ports"]
        if port["name"] == target
    )


def _ready(pod: Manifest) -> bool:
    conditions: dict[str, str] = {c["type"]: c["status"] for c in pod.get("status", {}).get("conditions", ())}
    return not pod["metadata"].get("deletionTimestamp") and conditions.get("Ready") == "True"
