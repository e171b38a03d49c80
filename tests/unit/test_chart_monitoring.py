"""What the chart gives to Prometheus and Grafana when it is asked to."""

from __future__ import annotations

import json
from typing import Any

import yaml

from tests.unit.chart_kit import CHART, ci_values, kinds, of_kind, rendered

RULE_FILES = sorted((CHART / "files/rules").glob("*.yaml"))
DASHBOARDS = sorted((CHART / "files/dashboards").glob("*.json"))
# https://kubernetes.io/docs/concepts/configuration/configmap/: 1 MiB in all.
CONFIG_MAP_BYTES = 2**20


def groups_of_files() -> list[dict[str, Any]]:
    """What promtool is given."""
    return [group for path in RULE_FILES for group in yaml.safe_load(path.read_text())["groups"]]


def groups(**values: Any) -> list[dict[str, Any]]:
    """What the PrometheusRule has."""
    manifests = rendered({"prometheusRule": {"enabled": True, **values}})
    found: list[dict[str, Any]] = of_kind(manifests, "PrometheusRule")["spec"]["groups"]
    return found


def alerts(groups: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Alerts by name."""
    return {rule["alert"]: rule for group in groups for rule in group["rules"] if "alert" in rule}


def test_nothing_of_it_is_there_unless_asked_for_whatever_the_cluster_has() -> None:
    assert not {"ServiceMonitor", "PrometheusRule"} & kinds({})
    assert {"ServiceMonitor", "PrometheusRule"} <= kinds(ci_values("monitoring"))


def test_the_service_monitor_finds_the_operators_service() -> None:
    manifests = rendered({"serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}}})
    monitor, service = of_kind(manifests, "ServiceMonitor"), of_kind(manifests, "Service")
    assert monitor["metadata"]["labels"]["release"] == "prometheus"
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert monitor["spec"]["endpoints"][0]["port"] in {port["name"] for port in service["spec"]["ports"]}


def test_the_prometheus_rule_has_the_rules_that_promtool_tests() -> None:
    assert groups() == groups_of_files()


def test_a_disabled_alert_is_left_out_and_nothing_else() -> None:
    every = alerts(groups())
    first = min(every)
    assert alerts(groups(disabledAlerts=[first])).keys() == every.keys() - {first}


def test_runbooks_can_be_elsewhere() -> None:
    for rule in alerts(groups(runbookBaseURL="https://runbooks.example.com/ocr/")).values():
        start, _, page = rule["annotations"]["runbook_url"].rpartition("/")
        assert start == "https://runbooks.example.com/ocr"
        assert page


def test_each_dashboard_is_a_config_map_that_grafanas_sidecar_finds() -> None:
    values = {"enabled": True, "namespace": "monitoring", "labels": {"board": "yes"}}
    maps = [m for m in rendered({"dashboards": values}) if "-dashboard-" in m["metadata"]["name"]]
    found = {name: json.loads(text) for each in maps for name, text in each["data"].items()}
    assert found == {path.name: json.loads(path.read_text()) for path in DASHBOARDS}
    for each in maps:
        assert each["kind"] == "ConfigMap"
        assert len(json.dumps(each)) < CONFIG_MAP_BYTES
        assert each["metadata"]["namespace"] == "monitoring"
        assert each["metadata"]["labels"]["board"] == "yes"
        assert each["metadata"]["annotations"] == {"grafana_folder": "OCR"}


def test_charts_of_two_namespaces_give_the_same_dashboards_and_none_of_them_touches_the_others() -> None:
    def dashboards(namespace: str) -> dict[tuple[str, str], Any]:
        maps = rendered({"dashboards": {"enabled": True}}, namespace)
        return {
            (each["metadata"]["namespace"], name): text
            for each in maps
            if "-dashboard-" in each["metadata"]["name"]
            for name, text in each["data"].items()
        }

    one, two = dashboards("papers"), dashboards("mail")
    assert {namespace for namespace, _ in one} == {"papers"}
    assert {namespace for namespace, _ in two} == {"mail"}
    assert {name: text for (_, name), text in one.items()} == {name: text for (_, name), text in two.items()}
