"""A new revision takes over or is taken back: real operator, apiserver and gateways; doubles read pages."""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ocr_operator.models.manifest import CONFIG_MAP, DEPLOYMENT, OCR_SERVICE
from ocr_operator.models.names import COMPONENT_LABEL, TRAFFIC
from tests.component.conftest import Start
from tests.component.test_operator_reconcile import is_idle, settle, versions
from tests.support.api import Api, eventually
from tests.support.gateways import Gateways, doubles
from tests.support.process import Operator
from tests.unit.gateway_kit import failing, image

PNG = image()
STABLE, CANDIDATE = "invoices-model-server", "invoices-model-server-b"
NEW = {"modelServer": {"runtime": {"mode": "latency"}}}
OLD = {"modelServer": {"runtime": {"mode": "throughput"}}}


def canary(**analysis: Any) -> dict[str, Any]:
    """A spec whose canary has one short step."""
    tried = {"steps": [{"weight": 50, "pauseSeconds": 1}], "analysis": {"minSamples": 20, **analysis}}
    return {**OLD, "rollout": {"strategy": "Canary", "canary": tried, "progressDeadlineSeconds": 60}}


@pytest.fixture
def gateways(kube: Api, tmp_path: Path) -> Iterator[Gateways]:
    """Two gateways, not started."""
    with doubles() as servers:
        made = Gateways(kube, "invoices", tmp_path, servers)
        yield made
        made.stop()


def serve(kube: Api, gateways: Gateways, spec: dict[str, Any]) -> None:
    """The service runs, behind its gateways."""
    kube.create("invoices", spec)
    settle(kube)
    eventually("served", lambda: revisions(kube).get("served"))
    gateways.run_pods()
    gateways.start()


def revisions(kube: Api) -> dict[str, Any]:
    """Where the roll-out stands."""
    return dict(kube.status("invoices").get("revisions", {}))


def pods(kube: Api, component: str) -> set[str]:
    """Names of pods of a slot that are not about to end."""
    return {
        pod["metadata"]["name"]
        for pod in kube.pods("invoices")
        if pod["metadata"]["labels"][COMPONENT_LABEL] == component
        and "deletionTimestamp" not in pod["metadata"]
    }


def go_on(kube: Api, gateways: Gateways, until: Callable[[], object]) -> Counter[int]:
    """Kubelet and clients do their part until then; the statuses of the requests."""
    statuses: Counter[int] = Counter()

    def look() -> object:
        gateways.run_pods()
        gateways.sync()
        statuses.update(gateways.read(PNG, 8))
        return until()

    eventually("the roll-out goes on", look, 120)
    return statuses


def test_a_good_revision_takes_over_with_the_pods_that_it_was_tried_with(
    kube: Api, operator: Operator, gateways: Gateways
) -> None:
    serve(kube, gateways, canary())
    stable = kube.get(DEPLOYMENT, STABLE)
    assert stable is not None
    kube.patch(OCR_SERVICE, "invoices", {"spec": NEW})
    eventually("a candidate", lambda: pods(kube, "model-server-b"))
    assert (kube.get(DEPLOYMENT, STABLE) or {})["metadata"]["generation"] == stable["metadata"]["generation"]
    assert kube.status("invoices")["traffic"] == [
        {"deployment": STABLE, "revision": revisions(kube)["stable"], "weight": 100}
    ]
    first = pods(kube, "model-server-b")
    statuses = go_on(kube, gateways, lambda: revisions(kube).get("slot") == "model-server-b")
    assert statuses.keys() == {200}
    assert len(gateways.servers["model-server-b"].seen) >= 20
    eventually("the old one goes", lambda: kube.get(DEPLOYMENT, STABLE) is None)
    assert first < pods(kube, "model-server-b")
    assert len(pods(kube, "model-server-b")) == 2
    eventually("at rest", lambda: kube.condition("invoices", "Reconciling")["status"] == "False")
    assert kube.condition("invoices", "Ready")["reason"] == "Serving"
    assert kube.status("invoices")["components"][1]["summary"] == "2/2"
    kube.send(
        "PATCH",
        f"/apis/kubeocr.dev/v1alpha1/namespaces/{kube.namespace}/ocrservices/invoices/scale",
        {"spec": {"replicas": 3}},
        "application/merge-patch+json",
    )
    eventually("scaled", lambda: len(pods(kube, "model-server-b")) == 3)


def test_a_bad_revision_is_taken_back_and_costs_no_more_than_its_weight(
    kube: Api, start: Start, gateways: Gateways
) -> None:
    operator = start().ready()
    serve(kube, gateways, canary())
    stable = kube.get(DEPLOYMENT, STABLE)
    assert stable is not None
    gateways.servers["model-server-b"].behaviour = failing(500, "internal")
    kube.patch(OCR_SERVICE, "invoices", {"spec": NEW})
    statuses = go_on(kube, gateways, lambda: kube.condition("invoices", "Stalled").get("status") == "True")
    assert statuses[502] == len(gateways.servers["model-server-b"].seen) > 0
    for kind, reason in (("Stalled", "AnalysisFailed"), ("RolloutHealthy", "AnalysisFailed")):
        condition = kube.condition("invoices", kind)
        assert condition["reason"] == reason
        assert "calls failed (100.0%, at most 1%)" in condition["message"]
    assert kube.condition("invoices", "Ready")["reason"] == "ServingPreviousRevision"
    eventually("no candidate", lambda: kube.get(DEPLOYMENT, CANDIDATE) is None)
    live = kube.get(DEPLOYMENT, STABLE)
    assert live is not None
    assert live["spec"] == stable["spec"]
    gateways.sync()
    eventually("all is well", lambda: gateways.read(PNG, 20) == [200] * 20)
    # It is remembered, whoever works, and nothing is written while nothing changes.
    eventually("idle", lambda: is_idle(operator))
    before = everything(kube)
    assert operator.stop() == 0
    second = start().ready()
    eventually("looked at", lambda: second.metric("ocr_operator_reconcile_total") >= 3, 60)
    assert everything(kube) == before
    # Back to what serves.
    kube.patch(OCR_SERVICE, "invoices", {"spec": OLD})
    eventually("well", lambda: kube.condition("invoices", "Stalled")["status"] == "False")
    assert "failed" not in revisions(kube)
    assert (kube.get(DEPLOYMENT, STABLE) or {})["spec"] == stable["spec"]


def everything(kube: Api) -> dict[str, str]:
    """The versions of all objects, the shared ConfigMap too."""
    shared = kube.get(CONFIG_MAP, TRAFFIC) or {}
    return {**versions(kube), "traffic": shared["metadata"]["resourceVersion"]}


def test_an_operator_that_dies_leaves_the_roll_out_where_it_is_and_the_next_one_goes_on(
    kube: Api, start: Start, gateways: Gateways
) -> None:
    first = start().ready()
    serve(kube, gateways, canary(minSamples=100_000))
    kube.patch(OCR_SERVICE, "invoices", {"spec": NEW})
    go_on(kube, gateways, lambda: "followed" in revisions(kube).get("candidate", {}))
    first.kill()
    left, asked = revisions(kube), kube.get(CONFIG_MAP, TRAFFIC)
    second = start().ready()
    eventually("looked at", lambda: second.metric("ocr_operator_reconcile_total") >= 3)
    assert revisions(kube) == left
    assert kube.get(CONFIG_MAP, TRAFFIC) == asked
    kube.patch(OCR_SERVICE, "invoices", {"spec": canary(minSamples=10) | NEW})
    go_on(kube, gateways, lambda: revisions(kube).get("slot") == "model-server-b")


def test_a_step_does_not_begin_before_the_last_gateway_follows(
    kube: Api, operator: Operator, gateways: Gateways
) -> None:
    serve(kube, gateways, canary())
    kube.patch(OCR_SERVICE, "invoices", {"spec": NEW})

    def begun() -> bool:
        gateways.run_pods()
        gateways.sync(0)
        return revisions(kube).get("candidate", {}).get("weight") == 50

    eventually("the first step", begun, 120)
    asked = operator.metric("ocr_operator_reconcile_total")
    gateways.sync(0)
    eventually("looked at", lambda: operator.metric("ocr_operator_reconcile_total") >= asked + 3)
    candidate = revisions(kube)["candidate"]
    assert (candidate["step"], candidate.get("followed")) == (1, None)
    assert "once all gateways follow" in kube.condition("invoices", "RolloutHealthy")["message"]
    gateways.sync(1)
    eventually("followed", lambda: "followed" in revisions(kube).get("candidate", {}))


def test_services_of_a_namespace_share_the_config_map_and_each_leaves_it_with_its_owner(
    kube: Api, operator: Operator
) -> None:
    for name in ("invoices", "letters"):
        kube.create(name, canary())
    eventually("both", lambda: keys(kube) == BOTH)
    assert owners(kube) == BOTH
    kube.delete(OCR_SERVICE, "letters")
    eventually("one key", lambda: keys(kube) == {"invoices"})
    kube.delete(OCR_SERVICE, "invoices")
    eventually("gone", lambda: kube.get(CONFIG_MAP, TRAFFIC) is None)


def test_a_service_that_wants_no_canary_any_more_or_went_unseen_leaves_no_key_behind(
    kube: Api, start: Start
) -> None:
    first = start().ready()
    for name in ("invoices", "letters", "orders"):
        kube.create(name, canary())
    eventually("all", lambda: keys(kube) == {*BOTH, "orders"})
    kube.patch(OCR_SERVICE, "letters", {"spec": {"rollout": None}})
    eventually("of its own will", lambda: keys(kube) == {"invoices", "orders"})
    first.kill()
    kube.delete(OCR_SERVICE, "orders")
    eventually("no owner any more", lambda: owners(kube) == BOTH)
    start().ready()
    eventually("seen by another", lambda: keys(kube) == {"invoices"})


def keys(kube: Api) -> set[str]:
    """Who has a key of the ConfigMap."""
    return set((kube.get(CONFIG_MAP, TRAFFIC) or {}).get("data", ()))


def owners(kube: Api) -> set[str]:
    """Who owns it."""
    return {owner["name"] for owner in (kube.get(CONFIG_MAP, TRAFFIC) or {})["metadata"]["ownerReferences"]}


BOTH = {"invoices", "letters"}
