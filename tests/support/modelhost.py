"""An HTTPS server with the folder of an own model, as people have one, and as they would rather not."""

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.cluster.pki import Authority

Answer = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class ModelHost:
    """Serves the files of a folder under `/models/`; `answers` has other answers by path, each for once."""

    folder: Path
    url: str = ""
    authorization: str | None = None
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    asked: list[tuple[str, str | None]] = field(default_factory=list)

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """One request."""
        header = request.headers.get("Authorization")
        self.asked.append((request.path, header))
        if others := self.answers.get(request.path):
            return others.pop(0)(request)
        if self.authorization is not None and header != self.authorization:
            return status(401 if header is None else 403)(request)
        file = self.folder / request.path.removeprefix("/models/")
        return content(file.read_bytes())(request) if file.is_file() else status(404)(request)


def content(body: bytes, *, said: int | None = None) -> Answer:
    """The body, under a length that may be another one."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(len(body) if said is None else said))
        request.end_headers()
        request.wfile.write(body)
        request.close_connection = True

    return answer


def status(code: int, **headers: str) -> Answer:
    """An answer without a body."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(code, "what the server makes of it")
        for name, value in headers.items():
            request.send_header(name, value)
        request.send_header("Content-Length", "0")
        request.end_headers()

    return answer


@contextmanager
def model_host(
    folder: Path, authority: Authority, pair: Path, names: tuple[str, ...] = ("127.0.0.1",)
) -> Iterator[ModelHost]:
    """A server on loopback with a certificate for these names; its key goes into the folder `pair`."""
    host = ModelHost(folder)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            host.answer(self)

        def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - the base's name
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("models", hosts=names).write(pair, f"models-{id(host)}"))

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def get_request(self) -> tuple[Any, Any]:
            connection, peer = super().get_request()
            connection.settimeout(10)
            return connection, peer

        def finish_request(self, request: Any, address: Any) -> None:
            # The handshake in the request's own thread: one that is never finished holds up nobody.
            try:
                with context.wrap_socket(request, server_side=True) as connection:
                    super().finish_request(connection, address)
            except OSError:
                pass  # the client does not trust us, or has gone

    with Server(("127.0.0.1", 0), Handler) as server:
        host.url = f"https://127.0.0.1:{server.server_address[1]}/models"
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield host
        finally:
            server.shutdown()
