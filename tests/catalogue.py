"""`python -m tests.catalogue > docs/metrics.md`: what each program measures, read off its instruments."""

import re
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from ocr_gateway.documents.admission import Admission
from ocr_gateway.metrics import Metrics as GatewayMetrics
from ocr_gateway.upstream.balancer import Balancer
from ocr_gateway.upstream.fairness import FairQueue
from ocr_modelserver.body import Budget
from ocr_modelserver.metrics import Metrics as ModelServerMetrics
from ocr_modelserver.scheduling.scheduler import Bounds, Scheduler
from ocr_operator.runtime.metrics import Metrics as OperatorMetrics
from ocr_wire.result import ModelRef

DOCUMENT = Path(__file__).parents[1] / "docs/metrics.md"
UNITS = {"_timestamp_seconds": "seconds since the epoch", "_seconds": "seconds", "_bytes": "bytes"}
BY_PROMETHEUS = ("process_", "python_")
HEAD = """# Metrics

Made by `make generate` from the instruments themselves; `/metrics` of each program has them, beside
Prometheus' own `process_*` and `python_*`. Namespace and pod come from the scrape. Labels are bounded: none
has a path, a file name, a client, an id or an error's text. The durations of the gateway's requests and of
the model server's stages have a trace as an exemplar where the scrape asks for OpenMetrics.
"""


@dataclass(frozen=True)
class Family:
    """One metric as Prometheus knows it; its labels without a histogram's `le`."""

    name: str
    type: str
    labels: frozenset[str]
    help: str

    @property
    def unit(self) -> str:
        """By its name; empty for plain numbers."""
        return next((unit for part, unit in UNITS.items() if f"{part}_" in f"{self.name}_"), "")


def programs() -> dict[str, dict[str, Family]]:
    """The families of each program by name."""
    return {"Gateway": gateway(), "Model server": model_server(), "Operator": operator()}


def gateway() -> dict[str, Family]:
    """Of `ocr-gateway`."""
    metrics = GatewayMetrics("name")
    balancer = Balancer(time.monotonic, None)  # type: ignore[arg-type]  # it never chooses
    queue = FairQueue(lambda: 0)
    metrics.watch(Admission(max_requests=1, max_bytes=1), balancer, queue)
    return families(metrics.registry)


def model_server() -> dict[str, Family]:
    """Of `ocr-modelserver`."""
    metrics = ModelServerMetrics("name", ModelRef(name="model", sha256="0" * 64))
    scheduler = Scheduler(0, Bounds(queue=1, heavy_pixels=1, running=1), time.monotonic)
    metrics.watch(scheduler, Budget(1), session_threads=1)
    return families(metrics.registry)


def operator() -> dict[str, Family]:
    """Of `ocr-operator`."""
    return families(OperatorMetrics(version="0", kopf_version="0").registry)


def families(registry: CollectorRegistry) -> dict[str, Family]:
    """The instruments of a registry, without those that the client library brings."""
    found = map(_family, registry._collector_to_names)
    return {family.name: family for family in found if family is not None}


def _family(collector: Collector) -> Family | None:
    if not isinstance(collector, MetricWrapperBase):
        return None
    name = collector._name + ("_total" if collector._type == "counter" else "")
    return Family(name, str(collector._type), frozenset(collector._labelnames), collector._documentation)


def document() -> str:
    """All of docs/metrics.md."""
    tables = ("\n".join(_table(program, found.values())) for program, found in programs().items())
    return "\n".join([HEAD, *tables])


def _table(program: str, found: Iterable[Family]) -> Iterator[str]:
    yield f"## {program}\n\n| name | type | labels | unit | what it is |\n|---|---|---|---|---|"
    for family in sorted(found, key=lambda each: each.name):
        labels = ", ".join(f"`{label}`" for label in sorted(family.labels))
        yield f"| `{family.name}` | {family.type} | {labels} | {family.unit} | {family.help} |"
    yield ""


def scraped(text: str) -> dict[str, Family]:
    """The families of an answer of /metrics in the text format, with the labels that their samples have."""
    found = {}
    for family in text_string_to_metric_families(text):
        if family.name.startswith(BY_PROMETHEUS) or family.name.endswith("_created"):
            continue
        name = family.name + ("_total" if family.type == "counter" else "")
        labels = {label for sample in family.samples for label in sample.labels} - {"le"}
        found[name] = Family(name, family.type, frozenset(labels), family.documentation)
    return found


def documented() -> dict[str, dict[str, Family]]:
    """What docs/metrics.md says, by program."""
    sections = re.split(r"^## (.*)$", DOCUMENT.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return {
        program: {
            name: Family(name, kind, frozenset(re.findall(r"`(\w+)`", labels)), text)
            for name, kind, labels, text in re.findall(
                r"^\| `(\w+)` \| (\w+) \| (.*?) \| .*? \| (.*) \|$", section, flags=re.MULTILINE
            )
        }
        for program, section in zip(sections[::2], sections[1::2], strict=True)
    }


if __name__ == "__main__":
    sys.stdout.write(document())
