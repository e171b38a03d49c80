"""Prometheus metrics `ocr_gateway_*`, in a registry of the app's own."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from types import MappingProxyType

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)

from ocr_gateway.documents.admission import Admission
from ocr_gateway.upstream.balancer import STATES, Balancer
from ocr_gateway.upstream.fairness import FairQueue
from ocr_gateway.upstream.traffic import Split
from ocr_wire.tracing import Exemplar

# 2 s, the threshold of the latency objective, is a boundary, so its error ratio needs no interpolation.
DURATION_BUCKETS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 30, 60)
SIZE_BUCKETS = tuple(1024 * 4**power for power in range(9))  # 1 KiB to 64 MiB

# Problem codes that refuse work, as the reasons of `rejected_total`.
REJECTIONS: Mapping[str, str] = MappingProxyType(
    {
        "body_too_large": "too_large",
        "too_many_pages": "too_many_pages",
        "too_many_pixels": "too_many_pixels",
        "unsupported_media_type": "unsupported_type",
        "queue_full": "queue_full",
        "not_ready": "not_ready",
        "deadline_exceeded": "deadline",
        "unauthenticated": "unauthenticated",
        "tenant_busy": "client_busy",
        "tenant_quota": "client_quota",
    }
)
# What Kubernetes and Prometheus ask, and no client.
PROBES = frozenset({"/livez", "/readyz", "/metrics"})
AUTH_FAILURES = ("missing", "unknown_key", "expired_token", "invalid_token")
TRIES = ("ok", "failed")
OVERLOAD = frozenset({"queue_full", "not_ready"})
# Refusals are fast: counted as pages, they would make a service look quick that is too full to read any.
NOT_TAKEN = frozenset({"refused", "connect_error"})


@dataclass(frozen=True)
class Answered:
    """One request that has got its answer: under its route's template, never the path, whose values are
    unbounded. Sizes in bytes; `problem` and `auth_failure` are None where there was none.
    """

    route: str
    method: str
    status: int
    seconds: float
    received: int
    sent: int
    exemplar: Exemplar | None
    problem: str | None = None
    auth_failure: str | None = None


class Metrics:
    """The gateway's instruments. Every series has the label `ocrservice`, the resource's name."""

    def __init__(self, service: str) -> None:
        self.registry = CollectorRegistry(auto_describe=True)
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self._service = service
        info = self._gauge("build_info", "Constant 1, labelled with the program's version.", "version")
        info.labels(service, version("kubeocr")).set(1)
        self._requests = self._counter("requests", "Answered requests.", "route", "method", "code")
        self._durations = self._histogram(
            "request_duration_seconds", "Time from headers to answer.", DURATION_BUCKETS, "route", "outcome"
        )
        self._sizes = self._histogram("request_size_bytes", "Bodies received.", SIZE_BUCKETS, "route")
        self._answer_sizes = self._histogram("response_size_bytes", "Bodies sent.", SIZE_BUCKETS, "route")
        self.in_flight = self._gauge("requests_in_flight", "Requests being served.").labels(service)
        self._rejected = self._counter("rejected", "Requests refused, by reason.", "reason")
        self._auth_failures = self._counter("auth_failures", "Refused credentials, by reason.", "reason")
        self._pages = self._counter("pages", "Pages sent to the model servers.", "outcome")
        self._upstream = self._counter("upstream_requests", "Calls of model servers.", "result", "attempt")
        self._upstream_duration = self._histogram(
            "upstream_request_duration_seconds",
            "Time of one call that a model server took on.",
            DURATION_BUCKETS,
        ).labels(service)
        self._split: Split | None = None
        self._weights = self._gauge("traffic_weight", "Percent of the requests for an upstream.", "upstream")
        self._divided = self._gauge(
            "traffic_timestamp_seconds", "When the split that holds was asked for; absent without one."
        )
        self._tries = self._counter(
            "traffic_calls",
            "Inferences of an upstream since the split began, busy ones aside.",
            "upstream",
            "result",
        )
        self._try_seconds = self._histogram(
            "traffic_call_duration_seconds", "Time of one of these.", DURATION_BUCKETS, "upstream"
        )
        self._reloads = self._counter("reloads", "Mounted files that changed.", "files", "result")
        self.jobs_waiting = self._gauge(
            "jobs_waiting", "Jobs that wait in the store; NaN when it does not answer."
        ).labels(service)
        self.jobs_running = self._gauge("jobs_running", "Jobs that this gateway runs.").labels(service)
        self._jobs_ended = self._counter("jobs_ended", "Jobs that this gateway has ended.", "status")
        for reason in REJECTIONS.values():  # a series that exists from the start has a rate from the start
            self._rejected.labels(service, reason)
        for outcome in ("ok", "failed"):
            self._pages.labels(service, outcome)
        for status in ("succeeded", "failed"):
            self._jobs_ended.labels(service, status)
        for reason in AUTH_FAILURES:
            self._auth_failures.labels(service, reason)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"ocr_gateway_{name}", text, ("ocrservice", *labels), registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"ocr_gateway_{name}", text, ("ocrservice", *labels), registry=self.registry)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(
            f"ocr_gateway_{name}", text, ("ocrservice", *labels), registry=self.registry, buckets=buckets
        )

    def watch(self, admission: Admission, balancer: Balancer, queue: FairQueue) -> None:
        """Show at each scrape what is held, what waits, and how the model servers are."""
        values: Mapping[tuple[str, str], Callable[[], float]] = {
            ("requests_held", "Requests that hold a document."): lambda: admission.requests,
            ("requests_capacity", "Requests that may hold one."): lambda: admission.max_requests,
            ("body_bytes_held", "Bytes of the documents held."): lambda: admission.bytes,
            ("body_bytes_capacity", "Bytes of documents that may be held."): lambda: admission.max_bytes,
            ("pages_waiting", "Pages that wait for a model server."): lambda: queue.waiting,
            ("backlog_seconds", "Time until all pages here and at the model servers are read."): (
                lambda: queue.backlog_seconds
            ),
        }
        for (name, text), value in values.items():
            self._gauge(name, text).labels(self._service).set_function(value)
        endpoints = self._gauge("upstream_endpoints", "Model servers, each in one state.", "state")
        for state in STATES:
            endpoints.labels(self._service, state).set_function(partial(balancer.count, state))

    def expect(self, failures: Iterable[tuple[str, int]], files: Iterable[str]) -> None:
        """Show zeros for what may happen, so that an increase has the first one.

        `failures` are answers to work, as route and status; `files` are the names of what may change.
        """
        for route, status in failures:
            self._requests.labels(self._service, route, "POST", str(status))
        for name in files:
            for result in ("ok", "refused"):
                self._reloads.labels(self._service, name, result)

    def answered(self, answer: Answered) -> None:
        """Count one request, with its trace as an example of its duration."""
        labels = (self._service, answer.route)
        self._requests.labels(*labels, answer.method, str(answer.status)).inc()
        self._durations.labels(*labels, outcome(answer.status, answer.problem)).observe(
            answer.seconds, answer.exemplar
        )
        if answer.received:
            self._sizes.labels(*labels).observe(answer.received)
        self._answer_sizes.labels(*labels).observe(answer.sent)
        reason = REJECTIONS.get(answer.problem or "")
        if reason is not None and answer.route not in PROBES:
            self._rejected.labels(self._service, reason).inc()
        if answer.auth_failure is not None:
            self._auth_failures.labels(self._service, answer.auth_failure).inc()

    def job_ended(self, status: str) -> None:
        """Count one job that has succeeded or failed."""
        self._jobs_ended.labels(self._service, status).inc()

    def page(self, *, ok: bool) -> None:
        """Count one page that was recognised, or failed for good."""
        self._pages.labels(self._service, "ok" if ok else "failed").inc()

    def reloaded(self, files: str, used: bool) -> None:  # noqa: FBT001 - a callback's argument
        """Count files that changed, and whether they could be used."""
        self._reloads.labels(self._service, files, "ok" if used else "refused").inc()

    def called(self, result: str, *, attempt: int, seconds: float) -> None:
        """Count one call; `result` is ok, timeout, connect_error, refused, 5xx or cancelled."""
        self._upstream.labels(self._service, result, "first" if attempt == 1 else "retry").inc()
        if result not in NOT_TAKEN:
            self._upstream_duration.observe(seconds)

    def divided(self, split: Split) -> None:
        """A new split holds: what was counted under the old one says nothing of it."""
        self._split = split
        for family in (self._weights, self._tries, self._try_seconds):
            family.clear()
        self._divided.labels(self._service).set(split.since)
        for target, weight in split.weights.items():
            self._weights.labels(self._service, target.host).set(weight)
            for result in TRIES:
                self._tries.labels(self._service, target.host, result)

    def tried(self, split: Split, upstream: str, result: str, seconds: float) -> None:
        """Count an inference that was sent under the split that still holds; none if there is only one."""
        if split is not self._split or result == "cancelled":
            return
        self._tries.labels(self._service, upstream, "ok" if result == "ok" else "failed").inc()
        self._try_seconds.labels(self._service, upstream).observe(seconds)


def outcome(status: int, problem: str | None) -> str:
    """The outcome label: a full or absent service is told apart from a broken one."""
    if problem in OVERLOAD:
        return "rejected"
    if status >= 500:  # noqa: PLR2004 - the HTTP classes
        return "server_error"
    return "client_error" if status >= 400 else "ok"  # noqa: PLR2004 - the HTTP classes
