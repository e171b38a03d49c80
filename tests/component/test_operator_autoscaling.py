"""Autoscaling with Kubernetes' own autoscaler, who is told no figures here."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from ocr_operator.cluster.kube.scrape import scrape
from ocr_operator.config import load_operands
from ocr_operator.models.manifest import DEPLOYMENT, HORIZONTAL_POD_AUTOSCALER, OCR_SERVICE, POD
from ocr_operator.models.names import SERVICE_LABEL
from ocr_operator.models.service import Key
from ocr_operator.reconcile import Outcome, Reconciler
from ocr_operator.runtime.fleet import Fleet
from ocr_operator.runtime.metrics import Metrics
from ocr_operator.runtime.profiles import Profiles
from ocr_operator.watches import CHILD_SECONDS
from tests.cluster.controlplane import ControlPlane
from tests.cluster.kubectl import CommandError, Kubectl
from tests.component.test_operator_cluster import Clock, cluster_of
from tests.component.test_operator_reconcile import is_idle, versions
from tests.support.api import Api, eventually
from tests.support.process import OPERANDS, Operator

NAME = "invoices-model-server"
LOOKS = 10
MODEL_SERVERS = f"{SERVICE_LABEL}=invoices,app.kubernetes.io/component=model-server"


def model_server(kube: Api, **members: Any) -> None:
    """Change these members of spec.modelServer."""
    kube.patch(OCR_SERVICE, "invoices", {"spec": {"modelServer": members}})


def deployment(kube: Api) -> dict[str, Any]:
    """The model servers' Deployment."""
    return kube.get(DEPLOYMENT, NAME) or {"spec": {}, "metadata": {}}


def replicas(kube: Api) -> int | None:
    """How many model servers there shall be."""
    found: int | None = deployment(kube)["spec"].get("replicas")
    return found


def runs(kube: Api, count: int) -> None:
    """Wait until so many model servers are asked for and run."""
    eventually(f"{count} model servers", lambda: replicas(kube) == count)
    eventually("at rest", lambda: at_rest(kube, count))


def at_rest(kube: Api, count: int) -> bool:
    """Run what pods there are; whether the status has so many model servers, and nothing moves."""
    kube.run_pods()
    servers = [
        c["ready"] for c in kube.status("invoices").get("components", ()) if c["name"] == "model-server"
    ]
    return servers == [count] and kube.condition("invoices", "Reconciling").get("status") == "False"


def numbers(kube: Api, since: str) -> list[int]:
    """The Deployment's replicas since then, without repetition."""
    seen = [each["spec"]["replicas"] for each in kube.history(DEPLOYMENT, NAME, since)]
    return [number for place, number in enumerate(seen) if place == 0 or seen[place - 1] != number]


def owners(kube: Api) -> set[str]:
    """The field managers of the Deployment's replicas."""
    entries = deployment(kube)["metadata"].get("managedFields", ())
    return {entry["manager"] for entry in entries if "f:replicas" in entry["fieldsV1"].get("f:spec", {})}


def version(kube: Api) -> str:
    """The Deployment's resourceVersion."""
    return str(deployment(kube)["metadata"]["resourceVersion"])


def apply_something_else(kube: Api, drain_seconds: int) -> None:
    """Have the operator apply the Deployment anew, because of another field."""
    kube.patch(OCR_SERVICE, "invoices", {"spec": {"gateway": {"drainSeconds": drain_seconds}}})
    hook = {"preStop": {"sleep": {"seconds": drain_seconds}}}
    eventually(
        "applied",
        lambda: deployment(kube)["spec"]["template"]["spec"]["containers"][0].get("lifecycle") == hook,
    )


@pytest.mark.timeout(180)
def test_neither_hand_over_drops_below_what_runs(kube: Api, operator: Operator) -> None:
    kube.create("invoices", {"modelServer": {"replicas": 8}})
    runs(kube, 8)
    since = version(kube)
    model_server(kube, replicas=None, autoscaling={"maxReplicas": 10})
    eventually(
        "without figures, and why",
        lambda: kube.condition("invoices", "AutoscalingActive")["reason"] == "FailedGetResourceMetric",
    )
    assert "metrics-server" in kube.condition("invoices", "AutoscalingActive")["message"]
    apply_something_else(kube, 9)
    assert numbers(kube, since) == [8]
    assert owners(kube) == {"ocr-operator-replicas"}
    # What the autoscaler decides is what counts from now on.
    since = version(kube)
    model_server(kube, autoscaling={"maxReplicas": 6})
    eventually("the autoscaler's number", lambda: replicas(kube) == 6)
    assert owners(kube) == {"kube-controller-manager"}
    apply_something_else(kube, 10)
    assert numbers(kube, since)[-1] == 6
    since = version(kube)
    model_server(kube, replicas=9, autoscaling=None)
    eventually("the asked number", lambda: replicas(kube) == 9)
    eventually("no autoscaler", lambda: not kube.items(HORIZONTAL_POD_AUTOSCALER))
    assert numbers(kube, since) == [9]
    assert owners(kube) == {"ocr-operator-replicas"}
    assert kube.condition("invoices", "AutoscalingActive")["reason"] == "Disabled"


def test_a_new_service_begins_at_the_least_number_and_comes_back_there_after_a_rest(
    kube: Api, operator: Operator
) -> None:
    kube.create("invoices", {"modelServer": {"autoscaling": {"minReplicas": 3, "maxReplicas": 5}}})
    runs(kube, 3)
    assert kube.status("invoices")["replicas"] == 3
    kube.patch(OCR_SERVICE, "invoices", {"spec": {"suspend": True}})
    eventually("no pods", lambda: not kube.items(POD, MODEL_SERVERS))
    eventually("Kubernetes lets it rest", lambda: resting(kube))
    eventually("told", lambda: kube.condition("invoices", "AutoscalingActive")["reason"] == "Suspended")
    assert replicas(kube) == 0
    kube.patch(OCR_SERVICE, "invoices", {"spec": {"suspend": False}})
    runs(kube, 3)


def resting(kube: Api) -> bool:
    """Whether the autoscaler says that it does nothing."""
    found = kube.get(HORIZONTAL_POD_AUTOSCALER, NAME) or {}
    conditions = {each["type"]: each["reason"] for each in found.get("status", {}).get("conditions", ())}
    return conditions.get("ScalingActive") == "ScalingDisabled"


def test_kubectl_scale_is_refused_with_the_way_out(
    operated: ControlPlane, kube: Api, operator: Operator
) -> None:
    kube.create("invoices", {"modelServer": {"autoscaling": {"maxReplicas": 5}}})
    runs(kube, 2)
    kubectl = Kubectl(operated.kubeconfig, kube.namespace)
    with pytest.raises(CommandError) as refused:
        kubectl.run("scale", "ocrservice/invoices", "--replicas=4")
    assert "autoscaling sets the replicas; change its minReplicas and maxReplicas" in refused.value.output
    assert replicas(kube) == 2


def test_a_queue_that_nobody_measures_is_told_with_the_way_out(kube: Api, operator: Operator) -> None:
    metrics = [{"type": "QueueDepth", "target": 4}]
    kube.create("invoices", {"modelServer": {"autoscaling": {"maxReplicas": 5, "metrics": metrics}}})
    runs(kube, 2)
    eventually("told", lambda: kube.condition("invoices", "AutoscalingActive")["status"] == "False")
    told = kube.condition("invoices", "AutoscalingActive")
    assert told["reason"] == "FailedGetObjectMetric"
    assert "install an adapter" in told["message"]


def test_an_edited_autoscaler_is_put_right(kube: Api, operator: Operator) -> None:
    kube.create("invoices", {"gateway": {"autoscaling": {"maxReplicas": 5}}})
    eventually("an autoscaler", lambda: kube.get(HORIZONTAL_POD_AUTOSCALER, "invoices-gateway"))
    kube.patch(HORIZONTAL_POD_AUTOSCALER, "invoices-gateway", {"spec": {"maxReplicas": 99}})
    eventually("as it was", lambda: most(kube) == 5, 10)


def most(kube: Api) -> int:
    """The gateways' maxReplicas."""
    found = kube.get(HORIZONTAL_POD_AUTOSCALER, "invoices-gateway") or {"spec": {}}
    return int(found["spec"].get("maxReplicas", 0))


def test_the_load_in_an_autoscalers_status_wakes_nobody(kube: Api, operator: Operator) -> None:
    kube.create("invoices", {"modelServer": {"autoscaling": {"maxReplicas": 5}}})
    runs(kube, 2)
    eventually("told", lambda: kube.condition("invoices", "AutoscalingActive")["status"] == "False")
    eventually("idle", lambda: is_idle(operator))
    before = {name: each for name, each in versions(kube).items() if "autoscalers" not in name}
    reconciles = operator.metric("ocr_operator_reconcile_total")
    told = "ocr_operator_watch_events_total"
    events = operator.metric(told, resource=HORIZONTAL_POD_AUTOSCALER.plural)
    for percent in range(LOOKS):
        kube.patch(HORIZONTAL_POD_AUTOSCALER, NAME, {"status": load(percent)}, "/status")
        # So far apart that each would be a reconcile of its own.
        time.sleep(2 * CHILD_SECONDS)
    heard = events + LOOKS
    eventually("heard", lambda: operator.metric(told, resource=HORIZONTAL_POD_AUTOSCALER.plural) >= heard)
    # By then what they would have asked for is done, too.
    kube.patch(OCR_SERVICE, "invoices", {"spec": {"suspend": False}})
    eventually("another", lambda: kube.observed("invoices"))
    assert operator.metric("ocr_operator_reconcile_total") - reconciles < LOOKS / 2
    after = {name: each for name, each in versions(kube).items() if "autoscalers" not in name}
    assert after.keys() == before.keys()
    assert {name for name in before if before[name] != after[name]} == {"service"}


def load(percent: int) -> dict[str, Any]:
    """The part of a status that changes with each look at the load."""
    current = {"averageUtilization": percent, "averageValue": f"{percent}m"}
    return {"currentMetrics": [{"type": "Resource", "resource": {"name": "cpu", "current": current}}]}


OFFICE = {"name": "office", "timeZone": "UTC", "start": "08:00", "end": "18:00", "minReplicas": 4}


async def test_a_schedule_raises_the_floor_at_its_hour_and_leaves_the_way_down_to_the_autoscaler(
    operated: ControlPlane, kube: Api
) -> None:
    clock, key = Clock(), Key(kube.namespace, "invoices")
    kube.create("invoices", {"modelServer": {"autoscaling": {"maxReplicas": 5, "schedules": [OFFICE]}}})
    async with cluster_of(operated.kubeconfig) as cluster:
        metrics = Metrics(version="0", kopf_version="0")
        fleet = Fleet(lambda _: None)
        reconcile = Reconciler(
            cluster, scrape, load_operands(OPERANDS), "0.1.0", clock, metrics, fleet, Profiles()
        )

        async def at(hour: int, pods: int) -> tuple[Outcome, Mapping[str, Any]]:
            clock.now = datetime(2026, 1, 1, hour, tzinfo=UTC)
            await reconcile(key)
            eventually("pods", lambda: len(kube.items(POD, MODEL_SERVERS)) == pods)
            kube.run_pods()
            eventually("ready", lambda: deployment(kube)["status"].get("availableReplicas") == pods)
            gateways = (kube.get(DEPLOYMENT, "invoices-gateway") or {})["status"]
            assert gateways["availableReplicas"] == 2
            outcome = await reconcile(key)
            return outcome, (kube.get(HORIZONTAL_POD_AUTOSCALER, NAME) or {})["spec"]

        outcome, spec = await at(7, pods=2)
        assert spec["minReplicas"] == 2
        assert outcome == Outcome(3600)
        outcome, spec = await at(8, pods=4)
        assert spec["minReplicas"] == 4
        assert outcome == Outcome(10 * 3600)
        outcome, spec = await at(18, pods=4)
        assert spec["minReplicas"] == 2
        assert outcome == Outcome(14 * 3600)
