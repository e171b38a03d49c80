"""Whose work the running task does, and in which trace: known wherever the work goes.

A context variable, because between the edge and the model servers there is nothing that needs to know it.
Tasks inherit it; who works for somebody else sets it.
"""

import re
import secrets
from contextvars import ContextVar
from dataclasses import dataclass, field

# version "-" trace "-" the caller's span "-" flags; zeros are no trace and no span, ff is no version.
TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})")


def traceparent(given: str = "") -> str:
    """The W3C trace context's header for the next hop: of the given trace if it is valid, else of a new one.

    A new one is not sampled: nobody records it here. https://www.w3.org/TR/trace-context/#traceparent-header
    """
    valid = TRACEPARENT.fullmatch(given)
    trace, flags = valid.groups() if valid else (secrets.token_hex(16), "00")
    return f"00-{trace}-{secrets.token_hex(8)}-{flags}"


@dataclass(frozen=True)
class Caller:
    """`client` is an API key's client, a token's subject, else the peer's address."""

    client: str
    traceparent: str = field(default_factory=traceparent)


CALLER: ContextVar[Caller] = ContextVar("caller")


def caller() -> Caller:
    """Whose work this is; work of the gateway's own has a trace of its own."""
    return CALLER.get(None) or Caller("gateway")
