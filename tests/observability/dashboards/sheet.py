"""What a dashboard shows, as data: sheets of rows of panels of PromQL queries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# Colours at and above values; None is minus infinity.
Steps = tuple[tuple[float | None, str], ...]


@dataclass(frozen=True)
class Query:
    """One PromQL expression; `legend` names its series, as `{{label}}`."""

    expr: str
    legend: str = ""
    exemplar: bool = False


@dataclass(frozen=True)
class Panel:
    """One panel.

    `unit` is Grafana's name of it, `width` is of 24, `link` is the uid that a table's rows lead to.
    """

    title: str
    description: str
    unit: str
    queries: tuple[Query, ...]
    kind: Literal["timeseries", "stat", "table", "heatmap"] = "timeseries"
    width: int = 8
    steps: Steps = ()
    stacked: bool = False
    link: str = ""


@dataclass(frozen=True)
class Row:
    """Panels under a heading."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True)
class Variable:
    """A choice, out of the values of `label` in `series`."""

    name: str
    label: str
    series: str
    multiple: bool = True


@dataclass(frozen=True)
class Sheet:
    """One dashboard; its uid is its address and its file's name, and never changes."""

    uid: str
    title: str
    description: str
    variables: tuple[Variable, ...]
    rows: tuple[Row, ...]


def panel(title: str, description: str, unit: str, expr: str, legend: str = "", **more: object) -> Panel:
    """A panel of one query; `more` are further fields of Panel."""
    return Panel(title, description, unit, (Query(expr, legend),), **more)  # type: ignore[arg-type]


def quantiles(histogram: str, selector: str) -> tuple[Query, ...]:
    """Median, 95th and 99th percentile of a histogram's observations."""
    buckets = f"sum by (le) (rate({histogram}_bucket{{{selector}}}[$__rate_interval]))"
    return tuple(Query(f"histogram_quantile({q}, {buckets})", f"p{100 * q:.0f}") for q in (0.5, 0.95, 0.99))


def share(part: str, whole: str) -> str:
    """`part` of `whole`, where there is any."""
    return f"({part}) / (({whole}) > 0)"
