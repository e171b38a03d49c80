"""The W3C trace context: the header that joins the spans and log lines of several programs.

https://www.w3.org/TR/trace-context/#traceparent-header
"""

import re
import secrets
from dataclasses import dataclass

HEADER = "traceparent"
UNSAMPLED = "00"
# version "-" trace "-" the caller's span "-" flags; zeros are no trace and no span, ff is no version.
_FORM = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-((?!0{16})[0-9a-f]{16})-([0-9a-f]{2})")


@dataclass(frozen=True, slots=True)
class TraceContext:
    """A trace (32 hex digits), the span in it that the work belongs to (16), and the flags (2)."""

    trace_id: str
    span_id: str
    flags: str = UNSAMPLED

    @property
    def sampled(self) -> bool:
        """Whether its spans are recorded."""
        return bool(int(self.flags, 16) & 1)

    @property
    def header(self) -> str:
        """The value of `traceparent` for whoever works for that span."""
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}"


def parse(header: str) -> TraceContext | None:
    """The context that a header names; None when it is not valid."""
    found = _FORM.fullmatch(header)
    return TraceContext(*found.groups()) if found else None


def joined(header: str) -> TraceContext:
    """A new span in the trace that a header names if it is valid, else in a new trace.

    A new trace is not sampled: nobody records it here.
    """
    given = parse(header)
    trace_id, flags = (given.trace_id, given.flags) if given else (secrets.token_hex(16), UNSAMPLED)
    return TraceContext(trace_id, secrets.token_hex(8), flags)
