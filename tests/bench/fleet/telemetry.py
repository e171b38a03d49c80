"""What the operator says of itself, as Prometheus would read it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from tests.support.process import Running

PREFIX = "ocr_operator_"


@dataclass(frozen=True)
class Telemetry:
    """Samples of the operator's own metrics, by name with labels; those of single services are left out."""

    samples: Mapping[str, float]

    @classmethod
    def of(cls, operator: Running) -> Self:
        """As they are now."""
        lines = operator.get("/metrics").text.splitlines()
        own = [line for line in lines if line.startswith(PREFIX) and f"{PREFIX}resource_" not in line]
        return cls({name: float(value) for name, _, value in (line.rpartition(" ") for line in own)})

    def __sub__(self, before: Self) -> "Telemetry":
        """What happened since then, for counters and histograms."""
        changes = {name: value - before.samples.get(name, 0.0) for name, value in self.samples.items()}
        return Telemetry(changes)

    def sum(self, family: str) -> float:
        """The sum of a metric over its labels."""
        name = f"{PREFIX}{family}"
        return sum(v for key, v in self.samples.items() if key == name or key.startswith(f"{name}{{"))

    def quantile(self, family: str, share: float) -> float:
        """Seconds of a histogram without labels, as `histogram_quantile` finds them; nan of none."""
        head = f'{PREFIX}{family}_bucket{{le="'
        buckets = sorted(
            (float(key[len(head) : -2]), value) for key, value in self.samples.items() if key.startswith(head)
        )
        total = buckets[-1][1] if buckets else 0.0
        below, low = 0.0, 0.0
        for high, count in buckets:
            if total and count >= share * total:
                if math.isinf(high):
                    return low
                return low + (high - low) * (share * total - below) / max(count - below, 1.0)
            below, low = count, high
        return math.nan
