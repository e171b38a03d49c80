"""Panels with the data of a run, as one SVG: what Grafana would show, near enough to look at."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from tests.observability.dashboards.inference_sheet import MODEL, REQUESTS
from tests.observability.dashboards.sheet import Panel, Query
from tests.observability.monitoring import Monitoring
from tests.observability.panels import DEFAULTS, concrete

SHOWN = (
    "Requests",
    "Errors",
    "Refused",
    "Time of a request",
    "Pages",
    "Time of a page, by stage",
    "Queue",
    "Workers busy",
    "Confidence",
)
PANELS = tuple(panel for row in (REQUESTS, MODEL) for panel in row.panels if panel.title in SHOWN)
MINUTES = 2
RATE_INTERVAL = "30s"
COLUMNS, WIDTH, HEIGHT, MARGIN = 3, 360, 220, 14
TOP, BOTTOM, LEFT = 40, 46, 52
COLOURS = ("#0b62c4", "#d9480f", "#2b8a3e", "#862e9c", "#c2255c", "#5f6b7a")
UNITS = {"s": " s", "reqps": "/s", "ops": "/s", "short": ""}
LEGENDS, LONGEST = len(COLOURS), 13
HEAD = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img"
  font-family="sans-serif" font-size="11">
<title>Panels of the dashboard ocr-inference</title>
<rect width="100%" height="100%" fill="white"/>
"""


@dataclass(frozen=True)
class Series:
    """A line: its name, and points of Unix time and value."""

    name: str
    points: tuple[tuple[float, float], ...]


def of(observer: Monitoring, namespace: str) -> str:
    """The picture of the last minutes of the OCRService in the namespace."""
    choice = {**DEFAULTS, "$namespace": namespace, "$__rate_interval": RATE_INTERVAL}
    data = [
        (panel, [line for query in panel.queries for line in _series(observer, query, choice)])
        for panel in PANELS
    ]
    return draw(data)


def _series(observer: Monitoring, query: Query, choice: Mapping[str, str]) -> Iterator[Series]:
    for found in observer.history(concrete(query.expr, choice), MINUTES):
        points = [(float(at), float(value)) for at, value in found["values"]]
        finite = tuple((at, value) for at, value in points if math.isfinite(value))
        if any(value for _, value in finite):
            yield Series(_named(query, found["metric"]), finite)


def _named(query: Query, labels: Mapping[str, str]) -> str:
    """The legend with the labels in it, as Grafana writes it."""
    text = query.legend
    for label, value in labels.items():
        text = text.replace(f"{{{{{label}}}}}", value)
    return text


def draw(data: Sequence[tuple[Panel, Sequence[Series]]]) -> str:
    """All panels in a grid; every one has the same time."""
    rows = math.ceil(len(data) / COLUMNS)
    parts = [HEAD.format(width=COLUMNS * WIDTH, height=rows * HEIGHT)]
    times = [at for _, lines in data for line in lines for at, _ in line.points]
    start, end = min(times, default=0.0), max(times, default=1.0)
    for number, (panel, lines) in enumerate(data):
        row, column = divmod(number, COLUMNS)
        parts.append(f'<g transform="translate({column * WIDTH} {row * HEIGHT})">\n')
        parts += [*_frame(panel, _top(lines)), *_lines(lines, _top(lines), start, end), "</g>\n"]
    return "".join([*parts, "</svg>\n"])


def _top(lines: Sequence[Series]) -> float:
    return max((value for line in lines for _, value in line.points), default=0.0) or 1.0


def _frame(panel: Panel, top: float) -> list[str]:
    parts = [_text(MARGIN, 22, panel.title, weight="bold")]
    for share in (0, 0.5, 1):
        y = _y(share)
        parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - MARGIN}" stroke="#ddd"/>\n')
        parts.append(_text(LEFT - 4, y + 4, _said(share * top, panel.unit), anchor="end"))
    return parts


def _said(value: float, unit: str) -> str:
    return f"{100 * value:.3g} %" if unit == "percentunit" else f"{value:.3g}{UNITS[unit]}"


def _lines(lines: Sequence[Series], top: float, start: float, end: float) -> list[str]:
    parts = list[str]()
    for number, line in enumerate(lines[:LEGENDS]):
        colour = COLOURS[number]
        shares = (((at - start) / (end - start), value / top) for at, value in line.points)
        path = " ".join(f"{_x(across):.1f},{_y(up):.1f}" for across, up in shares)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>\n')
        x, y = LEFT + (number % 3) * 100, HEIGHT - BOTTOM + 20 + 14 * (number // 3)
        parts.append(_text(x, y, line.name[-LONGEST:], colour=colour))
    return parts


def _x(share: float) -> float:
    return LEFT + share * (WIDTH - LEFT - MARGIN)


def _y(share: float) -> float:
    return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)


def _text(
    x: float, y: float, text: str, *, anchor: str = "start", colour: str = "#333", weight: str = "normal"
) -> str:
    style = f'text-anchor="{anchor}" fill="{colour}" font-weight="{weight}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{escape(text)}</text>\n'
