"""Whose work the running task does, and in which trace: known wherever the work goes.

A context variable, because between the edge and the model servers there is nothing that needs to know it.
Tasks inherit it; who works for somebody else sets it.
"""

from contextvars import ContextVar
from dataclasses import dataclass, field

from ocr_wire.trace import TraceContext, joined


@dataclass(frozen=True)
class Caller:
    """`client` is an API key's client, a token's subject, else the peer's address."""

    client: str
    trace: TraceContext = field(default_factory=lambda: joined(""))


CALLER: ContextVar[Caller] = ContextVar("caller")


def caller() -> Caller:
    """Whose work this is; work of the gateway's own has a trace of its own."""
    return CALLER.get(None) or Caller("gateway")
