"""The HorizontalPodAutoscaler of a component whose number of pods follows the load."""

from __future__ import annotations

from typing import Any, Final

from ocr_operator.desired.metadata import child, child_name
from ocr_operator.desired.plan import Plan
from ocr_operator.models.autoscaling import Metric, ScalingBehavior, ScalingRate
from ocr_operator.models.manifest import DEPLOYMENT, HORIZONTAL_POD_AUTOSCALER, SERVICE, Manifest
from ocr_operator.models.names import GATEWAY

# Pages wait at the gateways, which let no more go to the model servers than keep those busy.
QUEUE_DEPTH: Final = "ocr_gateway_pages_waiting"
DEFAULT_METRICS: Final = (Metric(type="CPU", target=70),)


def build_autoscaler(plan: Plan, component: str) -> Manifest | None:
    """It aims at the Deployment: nobody but the user writes a spec. At 0 replicas Kubernetes lets it rest."""
    autoscaling = plan.autoscaling(component)
    if autoscaling is None:
        return None
    bounds = plan.bounds(autoscaling)
    manifest = child(plan, HORIZONTAL_POD_AUTOSCALER, component)
    manifest["spec"] = {
        "scaleTargetRef": {
            "apiVersion": DEPLOYMENT.api_version,
            "kind": DEPLOYMENT.kind,
            "name": child_name(plan.service.metadata.name, plan.place(component)),
        },
        "minReplicas": bounds.least,
        "maxReplicas": bounds.most,
        "metrics": [_metric(plan, metric) for metric in autoscaling.metrics or DEFAULT_METRICS],
        "behavior": _behavior(autoscaling.behavior),
    }
    return manifest


def _metric(plan: Plan, metric: Metric) -> dict[str, Any]:
    if metric.type == "QueueDepth":
        gateways = child_name(plan.service.metadata.name, GATEWAY)
        queue = {
            "describedObject": {"apiVersion": SERVICE.api_version, "kind": SERVICE.kind, "name": gateways},
            "metric": {"name": QUEUE_DEPTH},
            "target": {"type": "AverageValue", "averageValue": str(metric.target)},
        }
        return {"type": "Object", "object": queue}
    percent = {"type": "Utilization", "averageUtilization": metric.target}
    return {"type": "Resource", "resource": {"name": metric.type.lower(), "target": percent}}


def _behavior(behavior: ScalingBehavior) -> dict[str, Any]:
    calm = {"stabilizationWindowSeconds": behavior.scale_down_stabilization_seconds}
    return {"scaleUp": _rules(behavior.scale_up), "scaleDown": {**calm, **_rules(behavior.scale_down)}}


def _rules(rate: ScalingRate) -> dict[str, Any]:
    policies = [
        {"type": kind, "value": value, "periodSeconds": rate.period_seconds}
        for kind, value in (("Pods", rate.pods), ("Percent", rate.percent))
        if value is not None
    ]
    return {"selectPolicy": "Max", "policies": policies}
