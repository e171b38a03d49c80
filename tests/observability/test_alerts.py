"""Faults on the node make alerts fire in the real Prometheus, and the runbooks' commands find the cause.

The rules are the chart's but for their patience, which promtool's cases have.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial

import pytest

from tests.e2e.world import World, eventually
from tests.observability import runbooks
from tests.observability.causes import Stage
from tests.observability.faults import FAULTS, Fault
from tests.observability.monitoring import Monitoring

LOOKS = 15


def instance(observer: Monitoring, alert: str, namespace: str) -> Mapping[str, str] | None:
    """The labels of the alert where it fires for that namespace; one about no namespace is for all."""
    for found in observer.firing().get(alert, ()):
        assert "error expanding" not in str(found["annotations"])
        labels: Mapping[str, str] = found["labels"]
        if labels.get("namespace", namespace) == namespace:
            return labels
    return None


def told(observer: Monitoring, alert: str, labels: Mapping[str, str], words: tuple[str, ...]) -> None:
    """Follow the alert's runbook, again while something of what leads to the cause is not there yet."""
    for _ in range(LOOKS):
        said = runbooks.follow(observer, alert, labels)
        missing = [word for word in words if word not in said]
        if not missing:
            return
        time.sleep(1)
    pytest.fail(f"{missing} are not in what the runbook of {alert} prints:\n{said}")


def test_nothing_fires_while_all_is_well(observer: Monitoring, service: World, rules: None) -> None:
    service.read()
    observer.targets()
    observer.seen("ocr_gateway_pages_total > 0")
    eventually(lambda: observer.firing() == {}, f"nothing fires; now {list(observer.firing())}")


@pytest.mark.parametrize(
    "fault",
    [pytest.param(each, id=each.what, marks=[pytest.mark.long] if each.long else []) for each in FAULTS],
)
def test_a_fault_sets_off_its_alerts_and_their_runbooks_lead_to_it(
    observer: Monitoring, stage: Stage, rules: None, fault: Fault
) -> None:
    namespace = getattr(stage, fault.about).kubectl.namespace
    eventually(
        lambda: not any(instance(observer, alert, namespace) for alert in fault.alerts),
        "all are silent before",
    )
    with fault.cause(stage):
        for alert, words in fault.alerts.items():
            labels = eventually(partial(instance, observer, alert, namespace), f"{alert} fires")
            told(observer, alert, labels, words)
