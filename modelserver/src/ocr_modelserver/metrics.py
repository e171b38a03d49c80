"""Prometheus metrics of one model server."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Literal

import onnxruntime
from prometheus_client import CollectorRegistry, Counter, Gauge, GCCollector, Histogram, ProcessCollector

from ocr_modelserver.body import Budget
from ocr_modelserver.scheduling.scheduler import Scheduler
from ocr_wire.result import ModelRef, Page
from ocr_wire.tracing import Exemplar

# 2 s, the objective of a page, is a boundary: the ratio of slow pages is exact.
_SECONDS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 30, 60)
# The engine drops lines that it reads with less than .5.
_CONFIDENCE = (0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99)
_STAGES = {"decode": "decode", "det": "detect", "cls": "classify", "rec": "recognise", "post": "postprocess"}
# KServe's steps of a request, as dashboards made for it show them.
Step = Literal["preprocess", "predict", "postprocess"]
_STEPS: Mapping[Step, str] = {
    "preprocess": "Time to decode a request and to look at its images' headers.",
    "predict": "Time that the pages of a request waited and were read.",
    "postprocess": "Time to write the response.",
}


def spent(page: Page, queue_seconds: float) -> dict[str, float]:
    """Seconds of a page by stage, from first to last."""
    stages = {_STAGES[key]: milliseconds / 1000 for key, milliseconds in page.timings_ms.items()}
    return {"queue": queue_seconds, **stages}


class Metrics:
    """Every series of ours carries the labels `ocrservice` and `model`; all in a registry of its own."""

    def __init__(self, service: str, model: ModelRef) -> None:
        self.registry = CollectorRegistry()
        self._labels = {"ocrservice": service, "model": model.name}
        ProcessCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        runtime = f"onnxruntime {onnxruntime.__version__}"
        self._gauge("info", "The model that is served.", model_sha256=model.sha256, runtime=runtime).set(1)
        self.ready = self._gauge("ready", "1 when the model is loaded, verified and warmed up.")
        self.load_duration = self._gauge(
            "load_duration_seconds", "Time to load, verify and warm up the model."
        )
        self.load_success = self._gauge(
            "last_load_success_timestamp_seconds", "When the model was loaded and warmed up; 0 before."
        )
        self.load_failures = self._counter(
            "load_failures", "Warm-ups that failed; a model that cannot be opened ends the process."
        ).labels(**self._labels)
        self._requests = self._counter("inference_requests", "Infer requests by outcome.", ["outcome"])
        self._rejected = self._counter("rejected", "Infer requests that were refused, by reason.", ["reason"])
        self._stages = self._histogram(
            "stage_duration_seconds", "Time of one page in one stage; queue is its wait.", _SECONDS, ["stage"]
        )
        self._pages = self._counter("pages", "Pages read.")
        self._empty = self._counter("empty_results", "Pages on which no text was found.")
        self._lines = self._counter("text_lines", "Lines of text found.")
        self._characters = self._counter("text_characters", "Characters of text found.")
        self._confidence = self._histogram(
            "recognition_confidence", "How sure a line was read, 0 to 1; below .5 it is dropped.", _CONFIDENCE
        )
        self._steps = {
            step: Histogram(
                f"request_{step}_seconds", text, ["model_name"], buckets=_SECONDS, registry=self.registry
            )
            for step, text in _STEPS.items()
        }

    def watch(self, scheduler: Scheduler, bodies: Budget, session_threads: int) -> None:
        """Show the queue, the workers and what is held for them."""
        self._gauge("queue_capacity", "Pages that may wait.").set(scheduler.bounds.queue)
        self._gauge("workers", "Pages that are read at once at most.").set(scheduler.bounds.running)
        self._gauge("session_threads", "Threads that look for the text of one page.").set(session_threads)
        values: Mapping[tuple[str, str], Callable[[], float]] = {
            ("queue_depth", "Pages that wait."): lambda: scheduler.depth,
            ("queue_oldest_seconds", "How long the page that came first has waited; 0 when none waits."): (
                lambda: scheduler.oldest_seconds
            ),
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

    def page(self, page: Page, queue_seconds: float, exemplar: Exemplar | None) -> None:
        """Count what a page took and gave, with the trace that it belongs to as an example."""
        for stage, seconds in spent(page, queue_seconds).items():
            self._stages.labels(**self._labels, stage=stage).observe(seconds, exemplar)
        self._pages.labels(**self._labels).inc()
        self._empty.labels(**self._labels).inc(not page.lines)
        self._lines.labels(**self._labels).inc(len(page.lines))
        self._characters.labels(**self._labels).inc(sum(len(line.text) for line in page.lines))
        for line in page.lines:
            self._confidence.labels(**self._labels).observe(line.confidence)

    def step(self, step: Step, model_name: str) -> AbstractContextManager[object]:
        """Time the block as a step of a request to the model of that name."""
        return self._steps[step].labels(model_name).time()

    def _gauge(self, name: str, text: str, **labels: str) -> Gauge:
        every = self._labels | labels
        return Gauge(f"ocr_model_{name}", text, list(every), registry=self.registry).labels(**every)

    def _counter(self, name: str, text: str, labels: list[str] | None = None) -> Counter:
        return Counter(f"ocr_model_{name}", text, [*self._labels, *(labels or [])], registry=self.registry)

    def _histogram(
        self, name: str, text: str, buckets: tuple[float, ...], labels: list[str] | None = None
    ) -> Histogram:
        every = [*self._labels, *(labels or [])]
        return Histogram(f"ocr_model_{name}", text, every, buckets=buckets, registry=self.registry)
