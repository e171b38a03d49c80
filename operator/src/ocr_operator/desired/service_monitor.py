"""The ServiceMonitor, when wanted and when the cluster knows the kind."""

from __future__ import annotations

from ocr_operator.desired.deployment import PORT_NAME
from ocr_operator.desired.metadata import child, owned_labels
from ocr_operator.desired.plan import Plan
from ocr_operator.models.manifest import SERVICE_MONITOR, Manifest


def build_service_monitor(plan: Plan) -> Manifest | None:
    """One ServiceMonitor that scrapes gateways and model servers."""
    wanted = plan.service.spec.observability.service_monitor
    if wanted.mode == "Disabled" or not plan.facts.service_monitors:
        return None
    manifest = child(plan, SERVICE_MONITOR, None)
    manifest["metadata"]["labels"] = {**wanted.labels, **manifest["metadata"]["labels"]}
    manifest["spec"] = {
        "selector": {"matchLabels": owned_labels(plan.service.metadata.name)},
        "endpoints": [{"port": PORT_NAME, "path": "/metrics", "interval": wanted.interval}],
    }
    return manifest
