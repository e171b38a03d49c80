"""The dashboards as they are committed, and their queries as Grafana would send them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / "charts/ocr-operator/files/dashboards"
DASHBOARDS: dict[str, dict[str, Any]] = {
    file.stem: json.loads(file.read_text()) for file in sorted(FOLDER.glob("*.json"))
}
DEFAULTS: Mapping[str, str] = {
    "$__rate_interval": "5m",
    "$__range": "1h",
    "$namespace": ".+",
    "$ocrservice": ".+",
}


def panels(dashboard: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Everything on the dashboard that shows data."""
    return (panel for panel in dashboard["panels"] if panel["type"] != "row")


def queries() -> Iterator[tuple[str, str, str]]:
    """uid of the dashboard, title of the panel and PromQL of every query."""
    for uid, dashboard in DASHBOARDS.items():
        for panel in panels(dashboard):
            for target in panel["targets"]:
                yield uid, panel["title"], target["expr"]


def concrete(expr: str, values: Mapping[str, str] = DEFAULTS) -> str:
    """The expression with Grafana's variables replaced."""
    for name, value in values.items():
        expr = expr.replace(name, value)
    return expr
