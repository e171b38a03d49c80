"""Every rule and every panel, on what a real Prometheus scraped from a service that had a hard time."""

from __future__ import annotations

import json
import math

import pytest

from tests.e2e.world import NAME, World
from tests.observability import rules as chart
from tests.observability.monitoring import Monitoring
from tests.observability.panels import DASHBOARDS, DEFAULTS, concrete, queries

pytestmark = pytest.mark.long

# Panels that are right to show nothing here, and why.
EMPTY = {
    "Files taken over": "the service mounts no keys and no certificate, so none ever change",
    "CPU throttled": "the pods have no CPU limit",
    "Changes by others put back": "nobody else changes the children",
}


def test_every_panel_shows_numbers(observer: Monitoring, busy: World) -> None:
    chosen = {**DEFAULTS, "$namespace": busy.kubectl.namespace, "$ocrservice": NAME}

    empty = []
    for uid, title, expr in queries():
        values = [float(sample["value"][1]) for sample in observer.query(concrete(expr, chosen))]
        if title not in EMPTY and not any(math.isfinite(value) for value in values):
            empty.append(f"{uid}: {title}: {expr} gives {values}")
    assert empty == []


def test_grafanas_sidecar_finds_every_dashboard_by_the_label_it_looks_for(
    observer: Monitoring, busy: World
) -> None:
    found = observer.kubectl.json("get", "configmaps", "-A", "--selector=grafana_dashboard=1")["items"]
    loaded = {name: json.loads(text) for each in found for name, text in each["data"].items()}
    assert loaded == {f"{uid}.json": dashboard for uid, dashboard in DASHBOARDS.items()}


def test_panels_that_may_be_empty_are_there() -> None:
    assert EMPTY.keys() <= {title for _, title, _ in queries()}


def test_prometheus_evaluates_every_rule(observer: Monitoring, busy: World) -> None:
    wanted = {rule.get("alert") or rule["record"] for group in chart.groups() for rule in group["rules"]}
    evaluated = observer.rules()
    assert {rule["name"].removeprefix(chart.PREFIX) for rule in evaluated} == wanted
    assert [rule["lastError"] for rule in evaluated if rule["health"] != "ok"] == []


def test_recording_rules_give_series_of_the_service(observer: Monitoring, busy: World) -> None:
    for group in chart.groups():
        for name in (rule["record"] for rule in group["rules"] if "record" in rule):
            selector = f'{name}{{namespace="{busy.kubectl.namespace}"}}'
            assert {sample["metric"]["ocrservice"] for sample in observer.seen(selector)} == {NAME}
