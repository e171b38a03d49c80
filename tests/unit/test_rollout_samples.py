"""What the operator reads from the gateways' metrics, and what it makes of it."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import generate_latest

from ocr_gateway.config import HostPort
from ocr_gateway.metrics import Metrics
from ocr_gateway.upstream.traffic import Split
from ocr_operator.models.manifest import Manifest
from ocr_operator.models.names import GATEWAY, MODEL_SERVER
from ocr_operator.models.rollout import Analysis
from ocr_operator.rollouts.analysis import breach
from ocr_operator.rollouts.look import look, metrics_urls
from ocr_operator.rollouts.samples import Sample, read, together
from tests.unit.samples import ocr_service, pod

STABLE, CANDIDATE = HostPort("invoices-model-server", 8080), HostPort("invoices-model-server-b", 8080)
SPLIT = Split({STABLE: 75, CANDIDATE: 25}, since=1_790_000_000)


def told(*calls: tuple[str, float], split: Split = SPLIT) -> str:
    """The metrics of a real gateway after these calls of the candidate: result and seconds."""
    metrics = Metrics("invoices")
    metrics.divided(split)
    for result, seconds in calls:
        metrics.tried(split, CANDIDATE.host, result, seconds)
    return generate_latest(metrics.registry).decode()


def test_a_gateway_tells_its_split_and_its_calls() -> None:
    report = read(
        told(("ok", 0.2), ("5xx", 0.4), ("timeout", 3.5), ("connect_error", 0.01), ("cancelled", 9))
    )
    assert (report.since, report.weights) == (1_790_000_000, {STABLE.host: 75, CANDIDATE.host: 25})
    sample = report.samples[CANDIDATE.host]
    assert (sample.ok, sample.failed, sample.total) == (1, 3, 4)
    assert report.samples[STABLE.host].total == 0


def test_a_gateway_of_another_template_follows_nothing() -> None:
    report = read(generate_latest(Metrics("invoices").registry).decode())
    assert (report.since, report.weights, report.samples) == (None, {}, {})


def test_calls_of_all_gateways_are_taken_together() -> None:
    both = together([read(told(("ok", 0.2))), read(told(("ok", 0.2), ("5xx", 0.2)))], CANDIDATE.host)
    assert (both.ok, both.failed) == (2, 1)
    assert both.error_rate == pytest.approx(1 / 3)
    assert both.buckets[math.inf] == 3


@given(st.lists(st.floats(0.001, 100), min_size=1, max_size=200))
def test_the_percentile_is_in_the_bucket_of_the_call_at_that_place(times: list[float]) -> None:
    sample = read(told(*(("ok", seconds) for seconds in times))).samples[CANDIDATE.host]
    exact = sorted(times)[math.ceil(0.99 * len(times)) - 1]
    bounds = [0.0, *(bound for bound in sorted(sample.buckets) if not math.isinf(bound))]
    lower = max(bound for bound in bounds if bound < exact)
    upper = min((bound for bound in bounds if bound >= exact), default=bounds[-1])
    assert lower <= sample.p99_ms / 1000 <= upper


def test_no_calls_have_no_errors_and_no_time() -> None:
    assert (Sample().error_rate, Sample().p99_ms) == (0, 0)


@pytest.mark.parametrize(
    ("failed", "limit", "bad"), [(1, "1%", False), (2, "1%", True), (0, "0%", False), (1, "0%", True)]
)
def test_a_part_of_failed_calls_may_be_at_its_limit_but_not_above(failed: int, limit: str, bad: bool) -> None:
    sample = Sample(100 - failed, failed)
    assert (breach(Analysis(max_error_rate=limit), sample) is not None) == bad


def gateway(name: str, **changes: Any) -> Manifest:
    ready = [{"type": "Ready", "status": "True"}]
    return pod(name, GATEWAY, **{"podIP": "10.0.0.7", "conditions": ready, **changes})


def test_gateways_that_get_requests_are_asked_at_their_address() -> None:
    leaving = gateway("leaving")
    leaving["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    pods = [
        gateway("v4"),
        gateway("v6", podIP="fd00::7"),
        gateway("starting", conditions=[{"type": "Ready", "status": "False"}]),
        gateway("pending", podIP=None),
        leaving,
        pod("server", MODEL_SERVER, podIP="10.0.0.9", conditions=[{"type": "Ready", "status": "True"}]),
    ]
    assert metrics_urls(ocr_service(), pods) == (
        "http://10.0.0.7:8080/metrics",
        "http://[fd00::7]:8080/metrics",
    )
    secure = ocr_service({"gateway": {"tls": {"secretRef": {"name": "tls"}}}})
    assert metrics_urls(secure, pods[:1]) == ("https://10.0.0.7:8080/metrics",)


def test_an_answer_that_is_no_metrics_is_a_gateway_that_does_not_follow() -> None:
    seen = look(ocr_service(), {}, [gateway("one"), gateway("two")], [told(), 'a{b="c" 1'])
    assert (seen.gateways, len(seen.reports)) == (2, 1)
