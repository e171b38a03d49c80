"""Spans to a collector, by OpenTelemetry's SDK and OTLP over HTTP."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import trace as api
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from ocr_wire.trace import TraceContext, parse
from ocr_wire.tracing import Exemplar, Kind, Span

_KINDS = {
    "server": api.SpanKind.SERVER,
    "client": api.SpanKind.CLIENT,
    "internal": api.SpanKind.INTERNAL,
}
# A pod has five seconds from its last answer to its end.
_CLOSE_SECONDS = 3.0


class Exporting:
    """A Tracer; endpoint, sampler, headers and the rest are read from the standard `OTEL_*` variables."""

    def __init__(self, resource: Mapping[str, str]) -> None:
        described = Resource.create(resource).merge(OTELResourceDetector().detect())
        self._provider = TracerProvider(resource=described, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("kubeocr")

    @contextmanager
    def span(self, name: str, kind: Kind, parent: str = "") -> Iterator[Span]:
        """As the protocol says."""
        exported = self._tracer.start_span(name, _context(parent), _KINDS[kind])
        span = Span(name, _told(exported.get_span_context()))
        try:
            yield span
        except BaseException as error:
            span.attributes["error.type"] = type(error).__name__
            raise
        finally:
            exported.update_name(span.name)
            exported.set_attributes(span.attributes)
            if "error.type" in span.attributes:
                exported.set_status(api.StatusCode.ERROR)
            if exported.is_recording():
                self._add_parts(exported, span)
            exported.end()

    def exemplar(self, context: TraceContext) -> Exemplar | None:
        """Only of what is exported."""
        return {"trace_id": context.trace_id} if context.sampled else None

    def close(self) -> None:
        """As the protocol says, as far as the collector takes it at once."""
        ending = threading.Thread(target=self._provider.shutdown, daemon=True)
        ending.start()
        ending.join(_CLOSE_SECONDS)

    def _add_parts(self, exported: api.Span, span: Span) -> None:
        within = api.set_span_in_context(exported)
        for part in span.parts:
            child = self._tracer.start_span(
                part.name, within, attributes=part.attributes, start_time=_nanoseconds(part.start)
            )
            child.end(_nanoseconds(part.end))


def _context(header: str) -> Context | None:
    given = parse(header)
    if given is None:
        return Context()
    parent = api.SpanContext(
        int(given.trace_id, 16),
        int(given.span_id, 16),
        is_remote=True,
        trace_flags=api.TraceFlags(given.sampled),
    )
    return api.set_span_in_context(api.NonRecordingSpan(parent), Context())


def _told(context: api.SpanContext) -> TraceContext:
    return TraceContext(
        api.format_trace_id(context.trace_id),
        api.format_span_id(context.span_id),
        f"{context.trace_flags & api.TraceFlags.SAMPLED:02x}",
    )


def _nanoseconds(seconds: float) -> int:
    return round(seconds * 1e9)
