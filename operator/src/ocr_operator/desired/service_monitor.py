"""The ServiceMonitor, when wanted and when the cluster knows the kind."""

from __future__ import annotations

from typing import Any

from ocr_operator.desired.deployment import PORT_NAME, TLS_PORT_NAME
from ocr_operator.desired.metadata import child, owned_labels
from ocr_operator.desired.plan import Plan
from ocr_operator.models.manifest import SERVICE_MONITOR, Manifest


def build_service_monitor(plan: Plan) -> Manifest | None:
    """One ServiceMonitor that scrapes gateways and model servers."""
    wanted = plan.service.spec.observability.service_monitor
    if wanted.mode == "Disabled" or SERVICE_MONITOR not in plan.facts.served:
        return None
    manifest = child(plan, SERVICE_MONITOR, None)
    manifest["metadata"]["labels"] = {**wanted.labels, **manifest["metadata"]["labels"]}
    scrape = {"path": "/metrics", "interval": wanted.interval}
    endpoints: list[dict[str, Any]] = [{"port": PORT_NAME, **scrape}]
    if plan.service.spec.gateway.tls is not None:
        # Pods are scraped by their address, and the certificate is for the name that clients use.
        tls = {"scheme": "https", "tlsConfig": {"insecureSkipVerify": True}}
        endpoints.append({"port": TLS_PORT_NAME, **tls, **scrape})
    manifest["spec"] = {
        "selector": {"matchLabels": owned_labels(plan.service.metadata.name)},
        "endpoints": endpoints,
    }
    return manifest
