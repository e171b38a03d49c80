"""Answers in pieces, some for each page, so that never more than one page of an answer is held as objects."""

import io
from collections.abc import Iterable, Iterator


def separated(pieces: Iterable[bytes], by: bytes) -> Iterator[bytes]:
    """The pieces with `by` between each two of them."""
    for place, piece in enumerate(pieces):
        yield by + piece if place else piece


def together(pieces: Iterable[bytes]) -> bytes:
    """The pieces as one; `b"".join` would hold them twice."""
    out = io.BytesIO()
    out.writelines(pieces)
    return out.getvalue()
