"""The operator's Prometheus metrics, in a registry of their own.

Catalogue and naming: `ocr_operator_*`, base units, bounded labels. A deleted service leaves no series behind.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable
from typing import Final, Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from ocr_operator.models.service import Key
from ocr_operator.models.status import Status

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
SECONDS: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
CONDITION_STATUSES: Final = ("True", "False", "Unknown")


class Metrics:
    """All metrics of one operator process."""

    def __init__(self, *, version: str, kopf_version: str) -> None:
        """Register everything; nothing is shared between two instances."""
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        names = ("version", "kopf_version", "python_version")
        self._gauge("build_info", "Versions of this operator.", names).labels(
            version, kopf_version, platform.python_version()
        ).set(1)
        self._reconciles = self._counter("reconcile", "Reconciles by result.", ("result",))
        self._reconcile_seconds = self._histogram("reconcile_duration_seconds", "Time of one reconcile.")
        self._queue_depth = self._gauge("queue_depth", "Services that wait for a worker.")
        self._queue_seconds = self._histogram("queue_duration_seconds", "Time from wanted to taken.")
        self._watch_events = self._counter("watch_events", "Events that watches told.", ("resource", "type"))
        self._watch_last = self._gauge(
            "watch_last_event_timestamp_seconds", "When a watch told its last event.", ("resource",)
        )
        self._requests = self._counter(
            "k8s_requests", "Requests to the Kubernetes API.", ("verb", "resource", "code")
        )
        self._request_seconds = self._histogram(
            "k8s_request_duration_seconds", "Time of one request.", ("verb", "resource")
        )
        self._applies = self._counter("child_applies", "Children applied.", ("kind", "result"))
        self._status_writes = self._counter("status_writes", "Statuses written.")
        self._conditions = self._gauge(
            "resource_condition", "1 for the status a condition has.", ("namespace", "name", "type", "status")
        )
        self._replicas = self._gauge(
            "resource_replicas", "Pods of a component.", ("namespace", "name", "component", "state")
        )
        self._leader = self._gauge("leader", "1 while this process may write.")
        self._lag = self._gauge("event_loop_lag_seconds", "How late the event loop was at the last look.")
        self._series: dict[Key, frozenset[tuple[str, ...]]] = {}

    def _counter(self, name: str, text: str, labels: Iterable[str] = ()) -> Counter:
        return Counter(f"ocr_operator_{name}_total", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, labels: Iterable[str] = ()) -> Gauge:
        return Gauge(f"ocr_operator_{name}", text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, labels: Iterable[str] = ()) -> Histogram:
        return Histogram(f"ocr_operator_{name}", text, labels, registry=self.registry, buckets=SECONDS)

    def expose(self) -> bytes:
        """The text that Prometheus scrapes."""
        return generate_latest(self.registry)

    def follow_queue(self, depth: Callable[[], int]) -> None:
        """Read the queue's depth from `depth` at each scrape."""
        self._queue_depth.set_function(depth)

    def waited(self, seconds: float) -> None:
        """A key was taken after so many seconds."""
        self._queue_seconds.observe(seconds)

    def reconciled(self, result: str, seconds: float) -> None:
        """A reconcile ended."""
        self._reconciles.labels(result).inc()
        self._reconcile_seconds.observe(seconds)

    def watched(self, resource: str, kind: str) -> None:
        """A watch told an event of the type `kind`."""
        self._watch_events.labels(resource, kind).inc()
        self._watch_last.labels(resource).set_to_current_time()

    def requested(self, verb: str, resource: str, code: str, seconds: float) -> None:
        """A request to the API ended; `code` is the HTTP status or the kind of failure."""
        self._requests.labels(verb, resource, code).inc()
        self._request_seconds.labels(verb, resource).observe(seconds)

    def leading(self, value: Literal[0, 1]) -> None:
        """Whether this process may write."""
        self._leader.set(value)

    def lagged(self, seconds: float) -> None:
        """The event loop was so late."""
        self._lag.set(seconds)

    def applied(self, kind: str, result: str) -> None:
        """A child was applied: created, changed or unchanged."""
        self._applies.labels(kind, result).inc()

    def status_written(self) -> None:
        """A status was written."""
        self._status_writes.inc()

    def judged(self, key: Key, status: Status) -> None:
        """Show the conditions and pods of one service, and nothing of what it showed before."""
        conditions = {
            ("condition", c.type, known): float(c.status == known)
            for c in status.conditions
            for known in CONDITION_STATUSES
        }
        replicas = {
            ("replicas", c.name, state): float(value)
            for c in status.components
            for state, value in (("desired", c.desired), ("ready", c.ready), ("updated", c.updated))
        }
        current = conditions | replicas
        self._remove(key, self._series.get(key, frozenset()) - current.keys())
        for (family, *labels), value in current.items():
            self._family(family).labels(*key, *labels).set(value)
        self._series[key] = frozenset(current)

    def forgotten(self, key: Key) -> None:
        """Remove all series of a service that is gone."""
        self._remove(key, self._series.pop(key, frozenset()))

    def known(self) -> tuple[Key, ...]:
        """Services that have series."""
        return tuple(self._series)

    def _family(self, name: str) -> Gauge:
        return self._conditions if name == "condition" else self._replicas

    def _remove(self, key: Key, series: Iterable[tuple[str, ...]]) -> None:
        for family, *labels in series:
            self._family(family).remove(*key, *labels)
