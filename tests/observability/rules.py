"""The chart's rule files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

FILES = sorted((Path(__file__).parents[2] / "charts/ocr-operator/files/rules").glob("*.yaml"))
PREFIX = "impatient_"
WINDOW = "30s"


def groups() -> list[dict[str, Any]]:
    """The groups of all files."""
    return [group for file in FILES for group in yaml.safe_load(file.read_text())["groups"]]


def impatient(alerts: set[str]) -> list[dict[str, Any]]:
    """The recording rules and those alerts to be loaded beside the chart's own, without their patience.

    There is no `for`, every window is `WINDOW`, every age over which something is too old is a second:
    promtool's cases have the real ones.
    """
    chosen = (
        (group["name"], [rule for rule in group["rules"] if "record" in rule or rule["alert"] in alerts])
        for group in groups()
    )
    return [
        {"name": f"{PREFIX}{name}", "rules": [_hurried(r) for r in rules]} for name, rules in chosen if rules
    ]


def _hurried(rule: dict[str, Any]) -> dict[str, Any]:
    expr = re.sub(r"\[\d+[smhdw]\]", f"[{WINDOW}]", rule["expr"])
    expr = re.sub(r"offset \d+[smhdw]", f"offset {WINDOW}", expr)
    expr = re.sub(r"\b(namespace_ocrservice:)", rf"{PREFIX}\1", expr)
    expr = re.sub(r"(time\(\) .*> )\d+", r"\g<1>1", expr)
    hurried = {key: value for key, value in rule.items() if key != "for"} | {"expr": expr}
    return hurried | ({"record": PREFIX + rule["record"]} if "record" in rule else {})
