"""Reads a request's body within its limits: bytes, pauses and the deadline."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from starlette.requests import Request
from starlette.types import Message

from ocr_gateway.deadline import Deadline
from ocr_gateway.documents.admission import Lease
from ocr_gateway.problems import ClientGone, Problem

Pieces = AsyncIterator[bytes]


@dataclass(frozen=True)
class BodyLimits:
    """`max_bytes` of the whole body as sent; `stall_seconds` between two pieces of it."""

    max_bytes: int
    stall_seconds: float


async def chunks(request: Request, limits: BodyLimits, lease: Lease, deadline: Deadline) -> Pieces:
    """The body's pieces as they arrive.

    A declared length over the limit is refused before anything is read; a body without one is cut there.

    Raises:
        Problem: body_too_large, body_timeout, queue_full, unsupported_media_type (compressed).
        ClientGone: the connection was closed.
    """
    encoding = request.headers.get("content-encoding", "identity")
    if encoding != "identity":
        raise Problem(
            "unsupported_media_type",
            f"Content-Encoding {encoding!r} is not read; send the bytes as they are.",
        )
    declared = request.headers.get("content-length", "")
    lease.grow_to(_check(int(declared) if declared.isdecimal() else 0, limits))
    received = 0
    more = True
    while more:
        message = await _receive(request, limits, deadline)
        if message["type"] == "http.disconnect":
            raise ClientGone
        piece: bytes = message.get("body", b"")
        received = _check(received + len(piece), limits)
        lease.grow_to(received)
        more = message.get("more_body", False)
        yield piece


async def joined(pieces: Pieces) -> bytes:
    """The whole body."""
    return b"".join([piece async for piece in pieces])


def _check(size: int, limits: BodyLimits) -> int:
    if size > limits.max_bytes:
        raise Problem(
            "body_too_large",
            f"The body has {size} bytes or more; at most {limits.max_bytes} are read. "
            "Send a smaller or better compressed file.",
            limit=limits.max_bytes,
            actual=size,
        )
    return size


async def _receive(request: Request, limits: BodyLimits, deadline: Deadline) -> Message:
    pause = min(limits.stall_seconds, deadline.remaining())
    try:
        async with asyncio.timeout(pause):
            return await request.receive()
    except TimeoutError:
        total = deadline.remaining() == 0
        limit = deadline.seconds if total else limits.stall_seconds
        what = (
            f"The body took more than {limit:g} s" if total else f"No byte of the body came for {limit:g} s"
        )
        raise Problem(
            "body_timeout", f"{what}; the connection is closed. Send it again in one go.", limit=limit
        ) from None
