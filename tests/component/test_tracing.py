"""One request as one trace, over the real gateway, the real model server and a collector."""

import json
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.local.run import free_port
from tests.support.api import eventually
from tests.support.drawing import encoded, page
from tests.support.otlp import Collector, Span, collector
from tests.support.service import Service, service

TEXT = "Confidential total"
STAGES = [f"ocr.{stage}" for stage in ("queue", "decode", "detect", "classify", "recognise", "postprocess")]
CALLER = "00f067aa0ba902b7"


@pytest.fixture(scope="module")
def collected() -> Iterator[Collector]:
    with collector() as taken:
        yield taken


@pytest.fixture(scope="module")
def running(collected: Collector, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Both programs, exporting."""
    settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": collected.url, "OTEL_BSP_SCHEDULE_DELAY": "50"}
    with service(tmp_path_factory.mktemp("traced"), "--job-store", "memory", **settings) as both:
        yield both


def read(running: Service, flags: str = "01", path: str = "v1/ocr", **sent: Any) -> str:
    """Have a page read in a trace of the caller's; the trace."""
    trace = secrets.token_hex(16)
    headers = {"traceparent": f"00-{trace}-{CALLER}-{flags}"}
    body = sent or {"files": {"file": ("secret-name.png", encoded(page([[TEXT]])), "image/png")}}
    httpx.post(f"{running.url}{path}", headers=headers, timeout=60, **body)
    return trace


def whole(collected: Collector, trace: str, count: int) -> dict[str, Span]:
    """The spans of a trace by program and name, once there are that many."""
    eventually(f"{count} spans", lambda: len(collected.of(trace)) == count)
    return {f"{span.program} {span.name}": span for span in collected.of(trace)}


def test_a_request_is_one_trace_from_the_caller_to_the_stages(running: Service, collected: Collector) -> None:
    spans = whole(collected, read(running), 3 + len(STAGES))
    door = spans["ocr-gateway POST /v1/ocr"]
    call = spans["ocr-gateway POST"]
    infer = spans["ocr-modelserver POST /v2/models/{model}/infer"]
    stages = [spans[f"ocr-modelserver {stage}"] for stage in STAGES]
    assert [door.parent, call.parent, infer.parent] == [CALLER, door.id, call.id]
    assert {stage.parent for stage in stages} == {infer.id}
    assert [stage.start for stage in stages] == sorted(stage.start for stage in stages)
    assert stages[-1].end <= infer.end
    assert door.attributes["http.response.status_code"] == 200
    assert (door.attributes["http.route"], call.attributes["http.request.resend_count"]) == ("/v1/ocr", 0)
    assert not any(span.failed for span in spans.values())


def test_no_span_tells_what_was_read_or_sent(running: Service, collected: Collector) -> None:
    trace = read(running)
    whole(collected, trace, 3 + len(STAGES))
    said = str(collected.of(trace))
    assert "secret-name" not in said
    assert not any(word in said for word in TEXT.split())


def test_logs_of_both_programs_name_the_trace_and_the_request(running: Service) -> None:
    trace = read(running)
    for program, message in (("ocr-gateway", "request"), ("ocr-modelserver", "infer")):
        lines = (running.folder / f"{program}.log").read_text().splitlines()
        entries = [entry for entry in map(json.loads, lines) if entry.get("trace_id") == trace]
        assert message in [entry["message"] for entry in entries], program
        assert all(entry["request_id"].startswith("req_") for entry in entries)
        assert not any(word in str(entries) for word in (*TEXT.split(), "secret-name"))


def test_what_the_caller_does_not_sample_is_not_exported(running: Service, collected: Collector) -> None:
    unsampled, sampled = read(running, "00"), read(running)
    whole(collected, sampled, 3 + len(STAGES))
    assert collected.of(unsampled) == []


def test_a_client_cannot_ask_for_its_requests_to_be_traced(collected: Collector, tmp_path: Path) -> None:
    settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": collected.url, "OTEL_BSP_SCHEDULE_DELAY": "50"}
    with service(
        tmp_path, OTEL_TRACES_SAMPLER="traceidratio", OTEL_TRACES_SAMPLER_ARG="0", **settings
    ) as quiet:
        trace = read(quiet)
    assert collected.of(trace) == []


def test_a_failed_request_is_a_failed_span_and_a_probe_is_none(
    running: Service, collected: Collector
) -> None:
    trace = read(running, content=b"no image")
    (span,) = whole(collected, trace, 1).values()
    assert span.attributes["http.response.status_code"] == 415
    assert not span.failed  # the client's fault
    assert not any("/readyz" in span.name or "/metrics" in span.name for span in collected.spans)


def test_a_job_is_a_trace_of_its_own(running: Service, collected: Collector) -> None:
    before = len(collected.spans)
    read(running, path="v1/jobs", content=encoded(page([[TEXT]])))
    eventually("a job", lambda: any(span.name == "job" for span in collected.spans[before:]))
    (job,) = [span for span in collected.spans[before:] if span.name == "job"]
    assert job.parent == ""
    names = {span.name for span in collected.of(job.trace)}
    assert {"job", "POST", "POST /v2/models/{model}/infer", *STAGES} <= names


def test_a_collector_that_is_not_there_costs_no_request_and_holds_nobody_up(tmp_path: Path) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    with service(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=nowhere, OTEL_BSP_SCHEDULE_DELAY="50") as running:
        answer = httpx.post(f"{running.url}v1/ocr", content=encoded(page([[TEXT]])), timeout=60)
        assert answer.status_code == 200
    for log in running.folder.glob("*.log"):
        entries = [json.loads(line) for line in log.read_text().splitlines()]
        assert entries, "every line is one object, those of the exporter, too"
        assert not any("Traceback" in str(entry) for entry in entries)
