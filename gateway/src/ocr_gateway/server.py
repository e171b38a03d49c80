"""The uvicorn server with a drain that loses no request."""

import logging
import signal
import socket
import time
from types import FrameType

import uvicorn

from ocr_gateway.access.tls import Certificate
from ocr_gateway.app import create_app
from ocr_gateway.config import Config
from ocr_gateway.connection import BoundedProtocol

log = logging.getLogger(__name__)

BACKLOG = 2048


class Server(uvicorn.Server):
    """On SIGTERM uvicorn closes idle connections at once, under clients about to use them again.

    This one goes on serving, with `Connection: close` on every answer, until no connection is left or the
    drain time is over; only then does it close the socket and wait for what is in flight. A second signal
    skips the drain. Ends with status 0, where uvicorn would raise the signal again.
    """

    def __init__(self, config: Config) -> None:
        """Raises InvalidFileError: a certificate or credentials that cannot be used."""
        tls = config.access.tls
        certificate = Certificate(tls) if tls else None
        app = create_app(
            config,
            draining=lambda: self.drain_ends is not None,
            watched=(certificate.watched,) if certificate else (),
        )
        super().__init__(
            uvicorn.Config(
                app,
                http=BoundedProtocol,
                loop="uvloop",
                ws="none",
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                ssl_context_factory=(lambda *_: certificate.context) if certificate else None,
                timeout_keep_alive=5,
                timeout_graceful_shutdown=round(config.drain_seconds + config.request_timeout_seconds),
            )
        )
        self.drain_ends: float | None = None
        self._drain_seconds = config.drain_seconds

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin the drain, or end it."""
        if self.drain_ends is not None:
            self.should_exit = True
        self.drain_ends = time.monotonic() + self._drain_seconds
        log.info("draining", extra={"signal": signal.Signals(sig).name})

    async def on_tick(self, counter: int) -> bool:
        """Called by uvicorn ten times a second; true ends the serving."""
        if self.drain_ends is not None:
            idle = not self.server_state.connections
            self.should_exit = self.should_exit or idle or time.monotonic() >= self.drain_ends
        return await super().on_tick(counter)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; raises OSError when the address is taken or not ours."""
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener
