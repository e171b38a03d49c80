"""The dashboards: made by code, and by the rules of Grafana's dashboard-linter.

Of the rules (https://github.com/grafana/dashboard-linter), `template-job` and `template-instance` do not
apply: our metrics are chosen by their own names and by the OCRService that they are about.
"""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster import tools
from tests.observability import rules
from tests.observability.dashboards.__main__ import SHEETS
from tests.observability.dashboards.render import render
from tests.observability.panels import DASHBOARDS, FOLDER, concrete, panels, queries

CATALOGUE = Path(__file__).parents[2] / "docs" / "metrics.md"
UIDS = ["ocr-inference", "ocr-operator", "ocr-service"]
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
OURS = re.compile(r"\b(?:ocr_(?:gateway|model|operator)|request)_[a-z0-9_]+\b")
RECORDED = re.compile(r"\b[a-z_]+:[a-z_]+:[a-z0-9_]+\b")
EVERY_PANEL = [(uid, panel) for uid, dashboard in DASHBOARDS.items() for panel in panels(dashboard)]
each_dashboard = pytest.mark.parametrize("uid", UIDS)
each_panel = pytest.mark.parametrize(
    ("uid", "panel"), EVERY_PANEL, ids=[f"{uid}: {panel['title']}" for uid, panel in EVERY_PANEL]
)


def catalogue() -> set[str]:
    """The names of all metrics that the programs have."""
    return set(re.findall(r"^\| `(\w+)` \|", CATALOGUE.read_text(), re.MULTILINE))


def metrics(expr: str) -> set[str]:
    """The names of our metrics in an expression; a histogram's parts have its name."""
    names = OURS.findall(RECORDED.sub("", expr))
    return {re.sub(r"_(bucket|sum|count)$", "", name) for name in names}


def test_committed_dashboards_are_those_of_the_code() -> None:
    made = {f"{sheet.uid}.json": render(sheet) for sheet in SHEETS}
    committed = {file.name: file.read_text() for file in FOLDER.iterdir()}
    assert committed == made, "run `make generate`"


@each_dashboard
def test_a_dashboard_has_a_lasting_address_and_cannot_be_edited(uid: str) -> None:
    dashboard = DASHBOARDS[uid]
    assert dashboard["uid"] == uid
    assert "id" not in dashboard
    assert dashboard["editable"] is False
    assert dashboard["title"].startswith("KubeOCR / ")
    assert dashboard["description"]


@each_dashboard
def test_a_dashboard_leads_to_the_others_with_the_same_time_and_choices(uid: str) -> None:
    (link,) = DASHBOARDS[uid]["links"]
    assert (link["type"], link["tags"]) == ("dashboards", ["kubeocr"])
    assert (link["keepTime"], link["includeVars"]) == (True, True)
    assert DASHBOARDS[uid]["tags"] == ["kubeocr"]


@each_dashboard
def test_variables_choose_a_data_source_and_out_of_the_labels_there_are(uid: str) -> None:
    source, *others = DASHBOARDS[uid]["templating"]["list"]
    assert (source["name"], source["type"], source["query"]) == ("datasource", "datasource", "prometheus")
    for variable in others:
        assert variable["datasource"] == SOURCE
        assert variable["query"].startswith("label_values(")
        assert variable["refresh"] == 2, "2 is: when the time range changes"
        assert metrics(variable["query"]) <= catalogue()


@each_panel
def test_a_panel_says_what_it_shows_in_which_unit(uid: str, panel: dict[str, Any]) -> None:
    assert panel["title"]
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["datasource"] == SOURCE
    assert panel["targets"]


@each_panel
def test_a_panel_counts_rates_over_the_interval_that_fits_the_scrapes(
    uid: str, panel: dict[str, Any]
) -> None:
    for target in panel["targets"]:
        bare = RECORDED.sub("", target["expr"])
        ranges = re.findall(r"(?:rate|increase)\([^\[]*\[([^\]]+)\]", bare)
        assert set(ranges) <= {"$__rate_interval", "$__range"}
        counters = re.findall(r"\w+_(?:total|bucket|sum|count)\b(?=[{\[])", bare)
        assert len(counters) == len(ranges), (
            "a counter shows its restarts unless it is in rate() or increase()"
        )


@each_dashboard
def test_titles_of_a_dashboard_are_different(uid: str) -> None:
    titles = Counter(panel["title"] for panel in panels(DASHBOARDS[uid]))
    assert [title for title, count in titles.items() if count > 1] == []


def test_prometheus_can_parse_every_query(tmp_path: Path) -> None:
    records = [
        {"record": f"query:{number}:panel", "expr": concrete(expr)}
        for number, (_, _, expr) in enumerate(queries())
    ]
    file = tmp_path / "queries.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": records}]}))
    program = tools.prometheus().with_name("promtool")
    done = subprocess.run([program, "check", "rules", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_dashboards_and_rules_use_only_metrics_that_there_are() -> None:
    recorded = {rule["record"] for group in rules.groups() for rule in group["rules"] if "record" in rule}
    expressions = [expr for _, _, expr in queries()]
    expressions += [rule["expr"] for group in rules.groups() for rule in group["rules"]]
    assert {name for expr in expressions for name in metrics(expr)} <= catalogue()
    assert {name for expr in expressions for name in RECORDED.findall(expr)} <= recorded


def test_every_recorded_series_is_looked_at_by_an_alert_or_a_panel() -> None:
    recorded = {rule["record"] for group in rules.groups() for rule in group["rules"] if "record" in rule}
    looked_at = [expr for _, _, expr in queries()]
    looked_at += [rule["expr"] for group in rules.groups() for rule in group["rules"]]
    assert recorded <= {name for expr in looked_at for name in RECORDED.findall(expr)}
