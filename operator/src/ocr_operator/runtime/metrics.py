"""The operator's Prometheus metrics, in a registry of their own.

Catalogue and naming: `ocr_operator_*`, base units, bounded labels. A deleted service leaves no series behind.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Final, Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from ocr_operator.models.manifest import Manifest
from ocr_operator.models.service import Key
from ocr_operator.models.status import Status
from ocr_operator.runtime.resources import Resources

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
SECONDS: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
# For a histogram without labels, which has each bucket but once, so a quantile is right to a quarter or so.
# fmt: off
FINE_SECONDS: Final = (
    0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.8,
    1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 7.5, 10.0, 15.0, 30.0, 60.0,
)
# fmt: on
CONDITION_STATUSES: Final = ("True", "False", "Unknown")
RESULTS: Final = ("success", "requeue_after", "error")
# What is shown of each service, by family: its text, and its labels beside namespace and name.
RESOURCE: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "info": ("Constant 1: what a service runs.", ("operand_version", "model", "model_sha256")),
    "condition": ("1 for the status a condition has.", ("type", "status")),
    "replicas": ("Pods of a component.", ("component", "state")),
    "candidate_weight": ("Percent of the requests asked for a new revision that is being tried.", ()),
    "generation": ("The spec's generation when it was last looked at.", ()),
    "observed_generation": ("The generation that the status is about.", ()),
    "deletion_timestamp_seconds": ("When a service that is not gone yet was deleted.", ()),
}


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
        self._watch_restarts = self._counter(
            "watch_restarts", "Watch requests after the first of a resource.", ("resource",)
        )
        self._watch_last = self._gauge(
            "watch_last_event_timestamp_seconds", "When a watch told its last event.", ("resource",)
        )
        self._requests = self._counter(
            "k8s_requests", "Requests to the Kubernetes API.", ("verb", "resource", "code")
        )
        self._request_seconds = self._histogram(
            "k8s_request_duration_seconds", "Time of one request.", ("verb", "resource")
        )
        self._applies = self._counter(
            "child_applies", "Children applied, or found as they were applied.", ("kind", "result")
        )
        self._drift = self._counter(
            "drift_corrections", "Children put back that somebody else had changed or deleted.", ("kind",)
        )
        self._status_writes = self._counter("status_writes", "Statuses written.")
        for family, (text, labels) in RESOURCE.items():
            self._gauge(f"resource_{family}", text, ("namespace", "name", *labels))
        self._leader = self._gauge("leader", "1 while this process may write.")
        self._lag = self._histogram("event_loop_lag_seconds", "How late the event loop was, each second.")
        self._resources = Resources({f: labels for f, (_, labels) in RESOURCE.items()})
        self._intents: dict[Key, frozenset[bytes]] = {}
        self._watched: set[str] = set()
        for result in RESULTS:  # a series that exists from the start has a rate from the start
            self._reconciles.labels(result)

    def _counter(self, name: str, text: str, labels: Iterable[str] = ()) -> Counter:
        return Counter(f"ocr_operator_{name}_total", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, labels: Iterable[str] = ()) -> Gauge:
        return Gauge(f"ocr_operator_{name}", text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, labels: Iterable[str] = ()) -> Histogram:
        buckets = SECONDS if labels else FINE_SECONDS
        return Histogram(f"ocr_operator_{name}", text, labels, registry=self.registry, buckets=buckets)

    def expose(self) -> bytes:
        """The text that Prometheus scrapes."""
        return self._resources.insert(generate_latest(self.registry).decode()).encode()

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

    def watching(self, path: str) -> None:
        """A watch of the resources at that path of the API begins, or begins again."""
        self._watch_restarts.labels(path.rpartition("/")[2]).inc(path in self._watched)
        self._watched.add(path)

    def requested(self, verb: str, resource: str, code: str, seconds: float) -> None:
        """A request to the API ended; `code` is the HTTP status or the kind of failure."""
        self._requests.labels(verb, resource, code).inc()
        self._request_seconds.labels(verb, resource).observe(seconds)

    def leading(self, value: Literal[0, 1]) -> None:
        """Whether this process may write."""
        self._leader.set(value)

    def lagged(self, seconds: float) -> None:
        """The event loop was so late."""
        self._lag.observe(seconds)

    def applied(self, key: Key, children: Sequence[tuple[Manifest, str]]) -> None:
        """Children of a service were applied and thereby created, changed or unchanged.

        If we wanted the same at the last look, it was somebody else who had changed it since.
        """
        before = self._intents.get(key, frozenset())
        now = {_digest(manifest): (manifest["kind"], result) for manifest, result in children}
        for digest, (kind, result) in now.items():
            self._applies.labels(kind, result).inc()
            self._drift.labels(kind).inc(result != "unchanged" and digest in before)
        self._intents[key] = frozenset(now)

    def status_written(self) -> None:
        """A status was written."""
        self._status_writes.inc()

    def found(self, key: Key, generation: int, observed: int | None) -> None:
        """A service is looked at; its status is about the generation `observed`."""
        self._resources.show(
            key,
            generation={(): generation},
            observed_generation={(): observed or 0},
            deletion_timestamp_seconds={},
        )

    def judged(self, key: Key, status: Status) -> None:
        """Show the conditions and pods of one service, and nothing of what it showed before."""
        candidate = status.revisions and status.revisions.candidate
        operand = (status.version and status.version.operand) or ""
        model = (status.model.name, status.model.sha256) if status.model else ("", "")
        self._resources.show(
            key,
            condition={
                (c.type, known): c.status == known for c in status.conditions for known in CONDITION_STATUSES
            },
            replicas={
                (c.name, state): value
                for c in status.components
                for state, value in (("desired", c.desired), ("ready", c.ready), ("updated", c.updated))
            },
            candidate_weight={(): candidate.weight} if candidate else {},
            info={(operand, *model): 1},
            observed_generation={(): status.observed_generation or 0},
        )

    def going(self, key: Key, since: datetime) -> None:
        """A service is being deleted: that is all that is shown of it."""
        self._resources.forget(key)
        self._resources.show(key, deletion_timestamp_seconds={(): since.timestamp()})
        self._intents.pop(key, None)

    def forgotten(self, key: Key) -> None:
        """Remove all series of a service that is gone."""
        self._resources.forget(key)
        self._intents.pop(key, None)

    def known(self) -> tuple[Key, ...]:
        """Services that have series."""
        return self._resources.known()


def _digest(manifest: Manifest) -> bytes:
    return blake2b(json.dumps(manifest, sort_keys=True).encode(), digest_size=16).digest()
