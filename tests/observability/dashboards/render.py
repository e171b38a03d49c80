"""Sheets as Grafana's JSON."""

from __future__ import annotations

from typing import Any

from grafana_foundation_sdk.builders import common, dashboard, heatmap, prometheus, stat, table, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common as common_models
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models import prometheus as prometheus_models

from tests.observability.dashboards.sheet import Panel, Query, Sheet, Variable

TAG = "kubeocr"
SOURCE = models.DataSourceRef(type_val="prometheus", uid="${datasource}")
HEIGHT = 8
STAT_HEIGHT = 4
FILL = 10.0
BUILDERS: dict[str, Any] = {
    "timeseries": timeseries.Panel,
    "stat": stat.Panel,
    "table": table.Panel,
    "heatmap": heatmap.Panel,
}


def render(sheet: Sheet) -> str:
    """The dashboard's JSON, as it is committed."""
    built = (
        dashboard.Dashboard(sheet.title)
        .uid(sheet.uid)
        .description(sheet.description)
        .tags([TAG])
        .readonly()
        .refresh("1m")
        .time("now-1h", "now")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .link(_links())
        .with_variable(dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus"))
    )
    for variable in sheet.variables:
        built.with_variable(_variable(variable))
    for row in sheet.rows:
        built.with_row(dashboard.Row(row.title))
        for panel in row.panels:
            built.with_panel(_panel(panel))
    return JSONEncoder(sort_keys=True, indent=2).encode(built.build()) + "\n"


def _links() -> dashboard.DashboardLink:
    """A menu of the other dashboards; they open with the same time and choices."""
    link = dashboard.DashboardLink("KubeOCR").type(models.DashboardLinkType.DASHBOARDS).tags([TAG])
    return link.as_dropdown(True).include_vars(True).keep_time(True)


def _variable(variable: Variable) -> dashboard.QueryVariable:
    built = (
        dashboard.QueryVariable(variable.name)
        .datasource(SOURCE)
        .query(f"label_values({variable.series}, {variable.label})")
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
        .multi(variable.multiple)
        .include_all(variable.multiple)
    )
    return built.all_value(".+") if variable.multiple else built


def _panel(panel: Panel) -> Any:
    built = (
        BUILDERS[panel.kind]()
        .title(panel.title)
        .description(panel.description)
        .datasource(SOURCE)
        .unit(panel.unit)
        .span(panel.width)
        .height(STAT_HEIGHT if panel.kind == "stat" else HEIGHT)
    )
    for number, query in enumerate(panel.queries):
        built.with_target(_target(query, panel, chr(ord("A") + number)))
    if panel.steps:
        steps = [models.Threshold(value=value, color=color) for value, color in panel.steps]
        built.thresholds(dashboard.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(steps))
    if panel.link:
        choice = "var-namespace=${__data.fields.namespace}&var-ocrservice=${__data.fields.name}"
        url = f"/d/{panel.link}?{choice}&${{__url_time_range}}"
        built.data_links([dashboard.DashboardLink("This OCRService").url(url)])
    return _drawn(built, panel) if panel.kind == "timeseries" else built


def _drawn(built: Any, panel: Panel) -> Any:
    built.fill_opacity(FILL)
    if panel.steps:
        mode = common_models.GraphTresholdsStyleMode.DASHED
        built.thresholds_style(common.GraphThresholdsStyleConfig().mode(mode))
    if panel.stacked:
        built.stacking(common.StackingConfig().mode(common_models.StackingMode.NORMAL))
    return built


def _target(query: Query, panel: Panel, reference: str) -> prometheus.Dataquery:
    formats = prometheus_models.PromQueryFormat
    shape = {"table": formats.TABLE, "heatmap": formats.HEATMAP}.get(panel.kind, formats.TIME_SERIES)
    target = prometheus.Dataquery().expr(query.expr).format(shape).ref_id(reference)
    target = target.instant() if panel.kind in {"stat", "table"} else target.range()
    if query.exemplar:
        target = target.exemplar(True)
    return target.legend_format(query.legend) if query.legend else target
