"""Prometheus metrics of one model server."""

from collections.abc import Callable, Mapping

import onnxruntime
from prometheus_client import CollectorRegistry, Counter, Gauge, GCCollector, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from ocr_modelserver.body import Budget
from ocr_modelserver.scheduling.scheduler import Scheduler
from ocr_wire.result import ModelRef, Page

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

# 2 s, the objective of a page, is a boundary: the ratio of slow pages is exact.
_SECONDS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 30, 60)
_STAGES = {"decode": "decode", "det": "detect", "cls": "classify", "rec": "recognise", "post": "postprocess"}


class Metrics:
    """Every series carries the labels `ocrservice` and `model`; all in a registry of its own."""

    def __init__(self, service: str, model: ModelRef) -> None:
        self._registry = CollectorRegistry()
        self._labels = {"ocrservice": service, "model": model.name}
        ProcessCollector(registry=self._registry)
        GCCollector(registry=self._registry)
        runtime = f"onnxruntime {onnxruntime.__version__}"
        self._gauge("info", "The model that is served.", model_sha256=model.sha256, runtime=runtime).set(1)
        self.ready = self._gauge("ready", "1 when the model is loaded, verified and warmed up.")
        self.load_duration = self._gauge(
            "load_duration_seconds", "Time to load, verify and warm up the model."
        )
        self._requests = self._counter("inference_requests", "Infer requests by outcome.", ["outcome"])
        self._rejected = self._counter("rejected", "Infer requests that were refused, by reason.", ["reason"])
        self._stages = Histogram(
            "ocr_model_stage_duration_seconds",
            "Time of one page in one stage; queue is its wait.",
            [*self._labels, "stage"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._pages = self._counter("pages", "Pages read.")
        self._lines = self._counter("text_lines", "Lines of text found.")

    def watch(self, scheduler: Scheduler, bodies: Budget) -> None:
        """Show the queue, the workers and what is held for them."""
        self._gauge("queue_capacity", "Pages that may wait.").set(scheduler.bounds.queue)
        values: Mapping[tuple[str, str], Callable[[], float]] = {
            ("queue_depth", "Pages that wait."): lambda: scheduler.depth,
            ("workers_busy", "Pages that are being read."): lambda: scheduler.running,
            ("backlog_seconds", "Expected time to read all that waits and runs."): (
                lambda: scheduler.backlog_seconds
            ),
            ("pixels_held", "Pixels, as stored, of the pages that are being read."): lambda: scheduler.pixels,
            ("image_bytes_held", "Bytes of the images of all requests at work."): lambda: bodies.held,
        }
        for (name, text), value in values.items():
            self._gauge(name, text).set_function(value)

    def request(self, outcome: str) -> None:
        """Count an infer request: ok, client_error, rejected, deadline, cancelled or server_error."""
        self._requests.labels(**self._labels, outcome=outcome).inc()

    def rejected(self, reason: str) -> None:
        """Count a refused request by its error code."""
        self._rejected.labels(**self._labels, reason=reason).inc()

    def page(self, page: Page, queue_seconds: float) -> None:
        """Count what a page took and gave."""
        self._stages.labels(**self._labels, stage="queue").observe(queue_seconds)
        self._pages.labels(**self._labels).inc()
        self._lines.labels(**self._labels).inc(len(page.lines))
        for key, milliseconds in page.timings_ms.items():
            self._stages.labels(**self._labels, stage=_STAGES[key]).observe(milliseconds / 1000)

    def render(self) -> bytes:
        """All series in Prometheus' text format."""
        return generate_latest(self._registry)

    def _gauge(self, name: str, text: str, **labels: str) -> Gauge:
        every = self._labels | labels
        return Gauge(f"ocr_model_{name}", text, list(every), registry=self._registry).labels(**every)

    def _counter(self, name: str, text: str, labels: list[str] | None = None) -> Counter:
        return Counter(f"ocr_model_{name}", text, [*self._labels, *(labels or [])], registry=self._registry)
