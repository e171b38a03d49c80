"""Prometheus metrics `ocr_gateway_*`, in a registry of the app's own."""

from collections.abc import Callable, Mapping
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
OVERLOAD = frozenset({"queue_full", "not_ready"})


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
        self.in_flight = self._gauge("requests_in_flight", "Requests being served.").labels(service)
        self._rejected = self._counter("rejected", "Requests refused, by reason.", "reason")
        self._pages = self._counter("pages", "Pages sent to the model servers.", "outcome")
        self._upstream = self._counter("upstream_requests", "Calls of model servers.", "result", "attempt")
        self._upstream_duration = self._histogram(
            "upstream_request_duration_seconds", "Time of one call of a model server.", DURATION_BUCKETS
        ).labels(service)
        self._reloads = self._counter("reloads", "Mounted files that changed.", "files", "result")
        self._waiting = self._gauge("pages_waiting", "Pages that wait for a model server.").labels(service)
        for reason in REJECTIONS.values():  # a series that exists from the start has a rate from the start
            self._rejected.labels(service, reason)
        for outcome in ("ok", "failed"):
            self._pages.labels(service, outcome)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"ocr_gateway_{name}", text, ("ocrservice", *labels), registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"ocr_gateway_{name}", text, ("ocrservice", *labels), registry=self.registry)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(
            f"ocr_gateway_{name}", text, ("ocrservice", *labels), registry=self.registry, buckets=buckets
        )

    def answered(self, route: str, method: str, status: int, seconds: float, problem: str | None) -> None:
        """Count one request under its route's template (never the path, whose values are unbounded)."""
        self._requests.labels(self._service, route, method, str(status)).inc()
        self._durations.labels(self._service, route, outcome(status, problem)).observe(seconds)
        reason = REJECTIONS.get(problem or "")
        if reason is not None:
            self._rejected.labels(self._service, reason).inc()

    def received(self, route: str, size: int) -> None:
        """Count the bytes of one body."""
        self._sizes.labels(self._service, route).observe(size)

    def page(self, *, ok: bool) -> None:
        """Count one page that was recognised, or failed for good."""
        self._pages.labels(self._service, "ok" if ok else "failed").inc()

    def reloaded(self, files: str, used: bool) -> None:  # noqa: FBT001 - a callback's argument
        """Count files that changed, and whether they could be used."""
        self._reloads.labels(self._service, files, "ok" if used else "refused").inc()

    def count_waiting(self, waiting: Callable[[], int]) -> None:
        """Ask `waiting` at each scrape."""
        self._waiting.set_function(waiting)

    def called(self, result: str, *, attempt: int, seconds: float) -> None:
        """Count one call of a model server; `result` is ok, timeout, connect_error, 5xx or cancelled."""
        self._upstream.labels(self._service, result, "first" if attempt == 1 else "retry").inc()
        self._upstream_duration.observe(seconds)


def outcome(status: int, problem: str | None) -> str:
    """The outcome label: a full or absent service is told apart from a broken one."""
    if problem in OVERLOAD:
        return "rejected"
    if status >= 500:  # noqa: PLR2004 - the HTTP classes
        return "server_error"
    return "client_error" if status >= 400 else "ok"  # noqa: PLR2004 - the HTTP classes
