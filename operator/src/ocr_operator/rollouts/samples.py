"""What the gateways measure of the revisions under the split that they follow, read from their metrics."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from prometheus_client.parser import text_string_to_metric_families

PREFIX = "ocr_gateway_traffic_"
QUANTILE = 0.99


@dataclass(frozen=True, slots=True)
class Sample:
    """Calls of one upstream; `buckets` counts those that took at most so many seconds."""

    ok: float = 0
    failed: float = 0
    buckets: Mapping[float, float] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Calls that say something of the revision."""
        return int(self.ok + self.failed)

    @property
    def error_rate(self) -> float:
        """Part of the calls that failed, 0 to 1."""
        return self.failed / self.total if self.total else 0.0

    @property
    def p99_ms(self) -> float:
        """99th percentile, by interpolation in its bucket as Prometheus' histogram_quantile does."""
        rank, below, lower = QUANTILE * self.buckets.get(math.inf, 0), 0.0, 0.0
        for bound, count in sorted(self.buckets.items()):
            if count >= rank and count > below:
                if math.isinf(bound):
                    break
                return 1000 * (lower + (bound - lower) * (rank - below) / (count - below))
            below, lower = count, (lower if math.isinf(bound) else bound)
        return 1000 * lower

    def __add__(self, other: Sample) -> Sample:
        buckets = Counter(dict(self.buckets))
        buckets.update(dict(other.buckets))
        return Sample(self.ok + other.ok, self.failed + other.failed, dict(buckets))


@dataclass(frozen=True, slots=True)
class Report:
    """One gateway: the split that it follows, as seconds since the epoch and weights, and its samples."""

    since: int | None
    weights: Mapping[str, int]
    samples: Mapping[str, Sample]


def read(text: str) -> Report:
    """Read what a gateway's /metrics says. Raises ValueError for what is no such text."""
    since: int | None = None
    weights: dict[str, int] = {}
    calls: dict[str, dict[str, float]] = {}
    buckets: dict[str, dict[float, float]] = {}
    for family in text_string_to_metric_families(text):
        if not family.name.startswith(PREFIX):
            continue
        for name, labels, value, *_ in family.samples:
            upstream = labels.get("upstream", "")
            match name.removeprefix(PREFIX):
                case "timestamp_seconds":
                    since = int(value)
                case "weight":
                    weights[upstream] = int(value)
                case "calls_total":
                    calls.setdefault(upstream, {})[labels["result"]] = value
                case "call_duration_seconds_bucket":
                    buckets.setdefault(upstream, {})[float(labels["le"])] = value
    samples = {
        upstream: Sample(counts.get("ok", 0), counts.get("failed", 0), buckets.get(upstream, {}))
        for upstream, counts in calls.items()
    }
    return Report(since, weights, samples)


def together(reports: Iterable[Report], upstream: str) -> Sample:
    """What all gateways measured of one upstream."""
    return sum((report.samples.get(upstream, Sample()) for report in reports), Sample())
