"""One request over a connection of its own, in the manner of its client."""

from __future__ import annotations

import http.client
import time
from collections.abc import Mapping
from contextlib import suppress
from urllib.parse import urlsplit

from tests.soak.asks import Manner
from tests.soak.verdict import Answer, Unexplained

SECONDS = 120.0
# A slow client sends a body in so many pieces, within the time that a gateway drains.
PIECES, PIECE_SECONDS = 8, 0.6
STAY_SECONDS = 0.15


class Gone(Exception):  # noqa: N818 - what the client wanted
    """The client closed the connection without waiting for an answer."""


def exchange(
    url: str,
    method: str,
    target: str,
    headers: Mapping[str, str],
    body: bytes = b"",
    manner: Manner = "at once",
) -> Answer:
    """Send a request and read its answer.

    Raises:
        Gone: the client left.
        Unexplained: no answer came, or it breaks off.
    """
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=SECONDS)
    try:
        connection.connect()
        connection.putrequest(method, target, skip_accept_encoding=True)
        for name, value in {**headers, "connection": "close", "content-length": str(len(body))}.items():
            connection.putheader(name, value)
        connection.endheaders()
        # A refusal may come before all is sent; then it counts.
        with suppress(BrokenPipeError, ConnectionResetError):
            _send(connection, body, manner)
        if manner == "leaves":
            raise Gone
        response = connection.getresponse()
        return Answer(
            response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
        )
    except (OSError, http.client.HTTPException) as error:
        raise Unexplained(f"no answer: {error!r}") from error
    finally:
        connection.close()


def _send(connection: http.client.HTTPConnection, body: bytes, manner: Manner) -> None:
    match manner:
        case "at once":
            connection.send(body)
        case "stalls":
            connection.send(body[: len(body) // 2])
        case "slowly":
            size = max(1, -(-len(body) // PIECES))
            for start in range(0, len(body), size):
                connection.send(body[start : start + size])
                time.sleep(PIECE_SECONDS)
        case "leaves":
            connection.send(body)
            time.sleep(STAY_SECONDS)
