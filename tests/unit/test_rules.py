"""The Prometheus rules: each alert fires when it should, is silent when it should, and has a runbook."""

from __future__ import annotations

import re
import subprocess
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster import tools
from tests.observability import faults, rules

ROOT = Path(__file__).parents[2]
CASES = sorted(Path(__file__).with_name("rules").glob("*.yaml"))
RUNBOOKS = ROOT / "docs" / "runbooks"
SEVERITIES = {"critical", "warning", "info"}


def promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run Debian's promtool."""
    program = tools.prometheus().with_name("promtool")
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False)


RULES: list[dict[str, Any]] = [rule for group in rules.groups() for rule in group["rules"]]
ALERTS = {rule["alert"]: rule for rule in RULES if "alert" in rule}


def outcomes(alert: str) -> set[bool]:
    """Whether there are cases in which the alert fires, and in which it does not."""
    tests = chain.from_iterable(yaml.safe_load(file.read_text())["tests"] for file in CASES)
    expected = chain.from_iterable(test.get("alert_rule_test", ()) for test in tests)
    return {bool(case["exp_alerts"]) for case in expected if case["alertname"] == alert}


def test_promtool_accepts_the_rules() -> None:
    done = promtool("check", "rules", "--lint=all", "--lint-fatal", *rules.FILES)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("cases", CASES, ids=lambda file: file.stem)
def test_rules_give_what_their_cases_expect(cases: Path) -> None:
    done = promtool("test", "rules", cases)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_has_a_case_in_which_it_fires_and_one_in_which_it_is_silent(alert: str) -> None:
    assert outcomes(alert) == {True, False}


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_says_what_it_means_and_where_to_read_on(alert: str) -> None:
    rule = ALERTS[alert]
    assert rule["labels"]["severity"] in SEVERITIES
    assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
    assert rule["annotations"]["runbook_url"] == f"https://kubeocr.dev/runbooks/{alert}"
    page = (RUNBOOKS / f"{alert}.md").read_text()
    assert page.startswith(f"# {alert}\n")
    for heading in ("## What it means", "## Find the cause", "## Mend it"):
        assert f"\n{heading}\n" in page


def test_the_list_of_runbooks_is_that_of_the_alerts() -> None:
    page = (RUNBOOKS / "README.md").read_text()
    listed = re.findall(r"^\| \[(\w+)\]\((\w+)\.md\) \| (\w+) \|", page, re.MULTILINE)
    assert sorted(listed) == sorted((name, name, rule["labels"]["severity"]) for name, rule in ALERTS.items())
    assert {page.stem for page in RUNBOOKS.glob("*.md")} - {"README"} == set(ALERTS)


def test_every_runbook_was_tried_by_causing_the_fault_or_it_is_said_why_not() -> None:
    assert faults.tried().keys() | faults.UNTRIED.keys() == ALERTS.keys()
    assert not faults.tried().keys() & faults.UNTRIED.keys()
    assert faults.table() in (ROOT / "docs" / "monitoring.md").read_text(), faults.table()


def test_alerts_without_patience_are_the_alerts_but_for_times() -> None:
    hurried = {
        rule.get("alert", rule.get("record")): rule
        for rule in chain.from_iterable(group["rules"] for group in rules.impatient(set(ALERTS)))
    }
    for rule in RULES:
        name = rule.get("alert") or rules.PREFIX + rule["record"]
        assert "for" not in hurried[name]
        assert hurried[name].get("labels") == rule.get("labels")
        assert set(re.findall(r"\[(\w+)\]", hurried[name]["expr"])) <= {rules.WINDOW}


def test_no_name_stands_for_two_rules() -> None:
    names = [rule.get("alert") or rule["record"] for rule in RULES]
    assert len(names) == len(set(names))
