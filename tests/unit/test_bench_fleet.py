"""How the operator's benchmark counts calls and reads histograms."""

import json
import math
from pathlib import Path
from typing import Any

from tests.bench.fleet import report
from tests.bench.fleet.audit import Audit
from tests.bench.fleet.measures import Failover
from tests.bench.fleet.telemetry import Telemetry
from tests.bench.machine import describe
from tests.bench.plot import growth
from tests.unit.fleet_kit import fleet

USER = "system:serviceaccount:ocr-system:ocr-operator"


def event(verb: str, resource: str, code: int = 200, user: str = USER, subresource: str = "") -> str:
    """A line of the audit log."""
    about: dict[str, Any] = {"resource": resource, "subresource": subresource}
    content = {"verb": verb, "user": {"username": user}, "objectRef": about, "responseStatus": {"code": code}}
    return json.dumps(content) + "\n"


def test_only_what_the_user_asked_since_the_last_look_counts_and_the_lease_does_not(tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    log.write_text(event("create", "services"))
    audit = Audit(log, USER)
    with log.open("a") as lines:
        lines.write(event("patch", "deployments", code=201))
        lines.write(event("patch", "ocrservices", subresource="status"))
        lines.write(event("patch", "services", user="system:admin"))
        lines.write(event("update", "leases"))
        lines.write(event("list", "pods"))
        lines.write(event("watch", "pods"))
        lines.write(event("get", "pods").rstrip())  # being written
    calls = audit.calls()
    assert (calls.reads, calls.writes) == (1, 2)
    assert {f"{call.verb} {call.resource}" for call in calls.counts} == {
        "create deployments",
        "patch ocrservices/status",
        "list pods",
        "watch pods",
    }
    with log.open("a") as lines:
        lines.write("\n")
    assert audit.calls().reads == 1


def histogram(*counts: float) -> Telemetry:
    """Buckets up to 1, 2 and 4 seconds, and beyond."""
    bounds = ("1.0", "2.0", "4.0", "+Inf")
    return Telemetry(
        {f'ocr_operator_x_bucket{{le="{bound}"}}': n for bound, n in zip(bounds, counts, strict=True)}
    )


def test_a_quantile_lies_where_its_bucket_says() -> None:
    assert histogram(10, 10, 20, 20).quantile("x", 0.25) == 0.5
    assert histogram(10, 10, 20, 20).quantile("x", 0.75) == 3
    # Beyond the last bound only the bound is known.
    assert histogram(0, 0, 0, 5).quantile("x", 0.5) == 4
    assert math.isnan(histogram(0, 0, 0, 0).quantile("x", 0.5))


def test_of_two_looks_only_what_is_between_counts() -> None:
    change = histogram(10, 10, 20, 20) - histogram(10, 10, 10, 10)
    assert change.quantile("x", 0.5) == 3


def test_a_plot_names_its_lines_and_the_numbers_along() -> None:
    svg = growth("Seconds", "services", {"create": [(1, 2.0), (100, 30.0)], "edit": [(1, 1.0), (100, 29.0)]})
    for word in ("Seconds", "services", ">create<", ">edit<", ">100<"):
        assert word in svg
    assert svg.count("<polyline") == 2


def test_a_plot_of_a_narrow_range_shows_that_it_is_logarithmic() -> None:
    svg = growth("Memory", "services", {"peak": [(1, 77.0), (3000, 243.0)]})
    for tick in ("70", "80", "90", "100", "200"):
        assert f">{tick}<" in svg


def test_figures_of_another_run_stand_beside_new_ones_with_their_commit(tmp_path: Path) -> None:
    assert report.read(tmp_path) == []
    run = describe("bench", cores=2, seed=0, pages=0, sets=())
    report.write(tmp_path, run, [fleet(100, commit="abc")], [Failover(killed=True, seconds=15.0)])
    (earlier,) = report.read(tmp_path)
    report.write(tmp_path, run, [earlier, fleet(3000, commit="def", processor="slow")], [])
    page = (tmp_path / "benchmarks-operator.md").read_text()
    assert "| | 100 services | 3,000 services | goal at 1,000 |" in page
    assert "| create: all Ready after, s | 20.0 | 20.0 | at most 250 |" in page
    assert "| commit | abc | def | |" in page
    assert "| processor | fast | slow | |" in page
    assert math.isnan(report.read(tmp_path)[0].restart.p99)
