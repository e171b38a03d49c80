"""Faults, the alerts that they set off, and what leads to them in the alerts' runbooks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal

from tests.e2e.platform import MISSING
from tests.observability import causes
from tests.observability.causes import Stage
from tests.observability.monitoring import HIDDEN


@dataclass(frozen=True)
class Fault:
    """`alerts` are those that fire about a service, with words that their runbook's commands then print.

    `make test` tries those that take no `long`.
    """

    what: str
    cause: Callable[[Stage], AbstractContextManager[None]]
    alerts: Mapping[str, tuple[str, ...]]
    about: Literal["service", "spare"] = "service"
    long: bool = False


FAULTS = (
    Fault(
        "no model server",
        causes.no_model_servers,
        {
            "OCRGatewayUpstreamDown": ("0/0", "0 {'state': 'usable'}"),
            "OCRServiceNotReady": ("Ready=False ScaledToZero",),
        },
        long=True,
    ),
    Fault(
        "a version whose image is nowhere",
        causes.version_that_is_nowhere,
        {"OCRServiceStalled": ("Stalled=True", MISSING)},
    ),
    Fault(
        "a model server that dies again and again",
        causes.model_server_that_dies_again_and_again,
        {"OCRServicePodsMissing": ("137",)},
        long=True,
    ),
    Fault(
        "too little CPU for many clients",
        causes.too_little_cpu_for_many_clients,
        {
            "OCRModelNotReady": ("200m",),
            "OCRServiceLatencyBudgetBurnFast": ("'stage': 'queue'",),
            "OCRModelQueueSaturated": ("1 {",),
            "OCRGatewayRejecting": ('"client": "',),
            "OCRServiceErrorBudgetBurnFast": ("'code': '503'", '"status": 503'),
            "OCRServiceErrorBudgetBurnSlow": ("'code': '503'", '"status": 503'),
        },
        long=True,
    ),
    Fault("no operator", causes.no_operator, {"OCROperatorDown": ("No resources found",)}, long=True),
    Fault(
        "a role that lacks a right",
        causes.role_without_the_right_to_write_a_status,
        {
            "OCROperatorReconcileErrors": ("'code': '403'", "forbidden"),
            "OCRServiceReconcileStuck": ("forbidden",),
        },
        "spare",
    ),
    Fault(
        "an admission webhook that does not answer",
        causes.webhook_that_does_not_answer,
        {"OCROperatorAPIErrors": ("'code': '500'", "broken.example.com")},
        "spare",
        long=True,
    ),
    Fault(
        "somebody else who changes Deployments",
        causes.somebody_who_changes_deployments_back,
        {"OCROperatorDriftFighting": ("kubectl-label",)},
        "spare",
        long=True,
    ),
    Fault(
        "an API key that is too short",
        causes.key_that_is_too_short,
        {"OCRGatewayReloadRefused": ("no API key",)},
        "spare",
    ),
    Fault(
        "a ServiceMonitor that Prometheus does not select",
        causes.service_monitor_that_prometheus_does_not_select,
        {"OCRServiceNotScraped": (f"{HIDDEN}=yes", f'selects {{"matchExpressions":[{{"key":"{HIDDEN}"')},
        long=True,
    ),
    Fault(
        "a scrape that fails",
        causes.scrape_that_fails,
        {"OCRServiceNotScraped": ("0 {'__name__': 'up'",)},
    ),
    Fault(
        "a finalizer that nobody takes away",
        causes.finalizer_that_nobody_takes_away,
        {"OCRServiceDeletionStuck": ("example.com/hold",)},
        "spare",
        long=True,
    ),
)
# The others, and why.
UNTRIED: Mapping[str, str] = {
    "OCRModelLoadFailing": "a model that can be opened and not read with is not at hand",
    "OCRModelServerErrors": "no page is known that makes a model server fail",
    "OCRModelArtifactMismatch": "wants two images with different files under one name",
    "OCRModelConfidenceDrop": "compares with a week ago",
    "OCROperatorQueueSlow": "wants hundreds of services",
    "OCROperatorWatchStale": "a watch is only old after half an hour",
}


def table() -> str:
    """As docs/monitoring.md has it."""
    faults = tried()
    rows = [f"| [{alert}](runbooks/{alert}.md) | {', '.join(faults[alert])} |" for alert in sorted(faults)]
    rows += [
        f"| [{alert}](runbooks/{alert}.md) | not tried: {why} |" for alert, why in sorted(UNTRIED.items())
    ]
    return "\n".join(["| runbook | fault |", "|---|---|", *rows]) + "\n"


def tried() -> dict[str, list[str]]:
    """By alert, the faults that set it off."""
    found: dict[str, list[str]] = {}
    for fault in FAULTS:
        for alert in fault.alerts:
            found.setdefault(alert, []).append(fault.what)
    return found
