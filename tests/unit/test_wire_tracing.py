"""Without an exporter a trace only passes through; with one it must be possible to export."""

import sys

import pytest

from ocr_wire.trace import TraceContext, parse
from ocr_wire.tracing import Passing, TracingError, open_tracer

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLER = "00f067aa0ba902b7"
ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}


def test_a_header_is_read_and_written_alike() -> None:
    header = f"00-{TRACE}-{CALLER}-01"
    context = parse(header)
    assert context == TraceContext(TRACE, CALLER, "01")
    assert (context.header, context.sampled) == (header, True)
    assert not TraceContext(TRACE, CALLER, "02").sampled


@pytest.mark.parametrize(
    "environment", [{}, {"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, {"OTEL_TRACES_SAMPLER": "always_on"}]
)
def test_without_an_endpoint_nothing_of_opentelemetry_is_loaded(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    assert isinstance(open_tracer("ocr-gateway", "invoices", environment), Passing)


def test_a_span_that_only_passes_is_in_the_callers_trace_and_not_the_callers_span() -> None:
    with Passing().span("POST", "server", f"00-{TRACE}-{CALLER}-01") as span:
        assert (span.context.trace_id, span.context.flags) == (TRACE, "01")
        assert span.context.span_id != CALLER


def test_an_endpoint_without_the_library_is_refused_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    monkeypatch.delitem(sys.modules, "ocr_wire.exporting", raising=False)
    with pytest.raises(
        TracingError, match=r"opentelemetry is not installed; install kubeocr\[tracing\], or unset"
    ):
        open_tracer("ocr-gateway", "invoices", ENDPOINT)
