"""Spans: what was done in a trace, exported where OpenTelemetry's own environment variables say so.

Without an endpoint there nothing of OpenTelemetry is loaded, and a trace only passes through.
https://opentelemetry.io/docs/specs/otel/protocol/exporter/
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Literal, Protocol

from ocr_wire.trace import TraceContext, joined

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")

Kind = Literal["server", "client", "internal"]
Value = str | int | float
Exemplar = dict[str, str]


class TracingError(Exception):
    """Spans are to be exported and cannot be; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a span's work, told when it is over. Times are seconds since the epoch."""

    name: str
    start: float
    end: float
    attributes: Mapping[str, Value]


@dataclass(slots=True)
class Span:
    """A piece of work; `context` is for whoever works for it.

    Name, attributes and parts are read at its end; it has failed if it then has an `error.type`. None of them
    may hold text or a file's name.
    """

    name: str
    context: TraceContext
    attributes: dict[str, Value] = field(default_factory=dict)
    parts: list[Part] = field(default_factory=list)


class Tracer(Protocol):
    """Where spans go."""

    def span(self, name: str, kind: Kind, parent: str = "") -> AbstractContextManager[Span]:
        """The block is a span: of the trace that the header `parent` names if it is valid, else of a new one.

        An exception that leaves it is its `error.type`.
        """
        ...

    def exemplar(self, context: TraceContext) -> Exemplar | None:
        """What leads from a metric to that trace, if there is something to be found."""
        ...

    def close(self) -> None:
        """Export what has not been yet."""
        ...


class Passing:
    """A Tracer that exports nothing."""

    @contextmanager
    def span(self, name: str, kind: Kind, parent: str = "") -> Iterator[Span]:
        """As the protocol says."""
        yield Span(name, joined(parent))

    def exemplar(self, context: TraceContext) -> Exemplar | None:
        """The log has lines of every trace."""
        return {"trace_id": context.trace_id}

    def close(self) -> None:
        """Nothing is kept."""


def open_tracer(program: str, service: str, environ: Mapping[str, str] = os.environ) -> Tracer:
    """The tracer of a program that works for the OCRService of that name. Raises TracingError."""
    if not any(environ.get(name) for name in ENDPOINTS):
        return Passing()
    try:
        from ocr_wire.exporting import Exporting  # noqa: PLC0415 - only who exports pays for it
    except ImportError as error:
        raise TracingError(
            f"{ENDPOINTS[1]} is set, but {error.name} is not installed; "
            "install kubeocr[tracing], or unset the variable"
        ) from None
    resource = {"service.name": program, "service.version": version("kubeocr"), "kubeocr.ocrservice": service}
    return Exporting(resource)
