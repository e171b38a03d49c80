"""A TCP proxy: connections to one loopback port, spread over endpoints."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

Endpoint = tuple[str, int]
CHUNK_BYTES: Final = 64 * 1024
CONNECT_SECONDS: Final = 5.0


class Proxy:
    """Gives each connection to the endpoint that has the fewest; one that refuses is passed over.

    A connection that no endpoint takes is closed at once: there is nothing to wait for.
    """

    def __init__(self, endpoints: Callable[[], Sequence[Endpoint]]) -> None:
        self._endpoints = endpoints
        self._load: Counter[Endpoint] = Counter()
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @classmethod
    async def open(cls, server: socket.socket, endpoints: Callable[[], Sequence[Endpoint]]) -> Proxy:
        """Serve a listening socket; `endpoints` is asked anew for each connection."""
        proxy = cls(endpoints)
        proxy._server = await asyncio.start_server(proxy._accept, sock=server)
        return proxy

    def stop(self) -> None:
        """Take no more connections."""
        if self._server is not None:
            self._server.close()

    async def close(self) -> None:
        """Take no more connections and cut those that are open."""
        self.stop()
        for task in self._connections:
            task.cancel()
        if self._connections:
            await asyncio.wait(self._connections)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            for endpoint in sorted(self._endpoints(), key=lambda known: self._load[known]):
                with contextlib.suppress(OSError, TimeoutError):
                    async with asyncio.timeout(CONNECT_SECONDS):
                        behind = await asyncio.open_connection(*endpoint)
                    await self._join(endpoint, (reader, writer), behind)
                    return
        finally:
            await _close(writer)

    async def _join(
        self,
        endpoint: Endpoint,
        client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        behind: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        self._load[endpoint] += 1
        try:
            await asyncio.gather(_pump(client[0], behind[1]), _pump(behind[0], client[1]))
        finally:
            self._load[endpoint] -= 1
            self._load += Counter()  # endpoints without connections are forgotten
            await _close(behind[1])


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy until the end, then say that no more comes; a broken side ends the other."""
    try:
        while data := await reader.read(CHUNK_BYTES):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    except OSError:
        writer.transport.abort()


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
