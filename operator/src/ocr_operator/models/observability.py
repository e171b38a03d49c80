"""Metrics, logs and traces."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from ocr_operator.models.base import Form, Labels, Part
from ocr_operator.models.tracing import Tracing

INTERVAL_FORM: Final = Form("[1-9][0-9]{0,3}(s|m)", "write seconds or minutes, such as 30s or 2m")


class ServiceMonitor(Part):
    """The ServiceMonitor for Prometheus."""

    mode: Literal["Auto", "Enabled", "Disabled"] = Field(
        default="Auto",
        description="Auto: made when the cluster has the ServiceMonitor CRD. Enabled: a missing CRD is told. "
        "Disabled: never made.",
    )
    labels: Labels = Field(
        default={}, description="Labels that your Prometheus selects; none but the operator's when empty."
    )
    interval: Annotated[str, Field(max_length=16), INTERVAL_FORM] = Field(
        default="30s", description="Time between scrapes."
    )


class Observability(Part):
    """Metrics, logs and traces."""

    service_monitor: ServiceMonitor = ServiceMonitor()
    tracing: Tracing | None = None
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least that gateway and model servers log."
    )
