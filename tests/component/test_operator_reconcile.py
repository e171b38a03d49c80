"""What the operator does for one OCRService: the real kopf against the real apiserver."""

import json
import signal
import time
from functools import partial
from typing import Any, get_args

import httpx
import pytest

from ocr_operator.cluster.kube import paths
from ocr_operator.models.manifest import (
    CHILD_KINDS,
    DEPLOYMENT,
    HORIZONTAL_POD_AUTOSCALER,
    HTTP_ROUTE,
    INGRESS,
    NETWORK_POLICY,
    OCR_SERVICE,
    OPTIONAL_KINDS,
    POD,
    POD_DISRUPTION_BUDGET,
    SECRET,
    SERVICE,
    SERVICE_ACCOUNT,
    SERVICE_MONITOR,
)
from ocr_operator.models.names import COMPONENT_LABEL, COMPONENTS, MODEL_SERVER, PULL_MODEL, SERVICE_LABEL
from ocr_operator.reconcile import Applied
from ocr_operator.runtime.resync import TURNS
from ocr_operator.watches import CHILD_SECONDS
from tests.cluster.controlplane import ControlPlane
from tests.component.conftest import Start, install_crds
from tests.support.api import Api, eventually, meaning_of
from tests.support.faultproxy import FaultProxy
from tests.support.process import Operator

# Kinds that a service without a wish has none of, or only where their CRD is.
UNASKED = {HORIZONTAL_POD_AUTOSCALER, SERVICE_MONITOR, INGRESS, HTTP_ROUTE}
CHILDREN = {
    f"{kind.plural}/invoices-{component}"
    for kind in CHILD_KINDS
    if kind not in UNASKED
    for component in COMPONENTS
}
LISTED = set(CHILD_KINDS) - OPTIONAL_KINDS
WRITES = {"create", "update", "patch", "delete", "deletecollection"}


def settle(kube: Api, name: str = "invoices") -> None:
    """Wait until the service has pods that run, and says so."""
    eventually("all pods are made", lambda: len(kube.pods(name)) == 4)
    kube.run_pods()
    eventually("Ready", lambda: kube.condition(name, "Ready").get("status") == "True")
    eventually("at rest", lambda: kube.condition(name, "Reconciling").get("status") == "False")


def test_a_service_gets_its_children_and_a_status(kube: Api, operator: Operator) -> None:
    kube.create("invoices")
    eventually("all children", lambda: kube.children("invoices").keys() == CHILDREN)
    eventually("a status", lambda: kube.observed("invoices"))
    owner = kube.get(OCR_SERVICE, "invoices")
    assert owner is not None
    for child in kube.children("invoices").values():
        (reference,) = child["metadata"]["ownerReferences"]
        assert reference["uid"] == owner["metadata"]["uid"]
    assert kube.condition("invoices", "SpecAccepted")["status"] == "True"
    assert kube.condition("invoices", "Ready")["status"] == "False"
    settle(kube)
    assert kube.status("invoices")["replicas"] == 2


def test_a_deleted_child_comes_back(kube: Api, operator: Operator) -> None:
    kube.create("invoices")
    settle(kube)
    for kind in (SERVICE, POD_DISRUPTION_BUDGET, NETWORK_POLICY, DEPLOYMENT):
        before = kube.get(kind, "invoices-gateway")
        assert before is not None
        kube.delete(kind, "invoices-gateway")
        eventually(f"a new {kind.kind}", lambda kind=kind, old=before: is_new(kube, kind, old), 10)


def test_a_service_that_is_made_again_does_not_wait_until_kubernetes_deletes_what_the_one_before_left(
    operated: ControlPlane, kube: Api, operator: Operator
) -> None:
    kube.create("invoices")
    settle(kube)
    make_again(operated, kube)
    eventually("as any other", lambda: kube.condition("invoices", "Stalled").get("status") == "False")


def make_again(control_plane: ControlPlane, kube: Api) -> None:
    """Delete the service and make it anew while nobody but the operator deletes its children."""
    before = uids(kube)
    (controllers,) = (each for each in control_plane.children if each.name == "kube-controller-manager")
    controllers.process.send_signal(signal.SIGSTOP)
    try:
        kube.delete(OCR_SERVICE, "invoices")
        kube.create("invoices")
        eventually("all are new", lambda: len(uids(kube) - before) == len(CHILDREN))
    finally:
        controllers.process.send_signal(signal.SIGCONT)


def uids(kube: Api) -> set[str]:
    """Of the children that a service without a wish has."""
    children = kube.children("invoices")
    return {children[name]["metadata"]["uid"] for name in CHILDREN & children.keys()}


def is_new(kube: Api, kind: Any, before: dict[str, Any]) -> bool:
    """Whether the gateway's object is there again, as another one."""
    now = kube.get(kind, "invoices-gateway")
    return now is not None and now["metadata"]["uid"] != before["metadata"]["uid"]


@pytest.mark.parametrize(
    ("kind", "edit"),
    [
        (DEPLOYMENT, {"spec": {"replicas": 9}}),
        (DEPLOYMENT, {"spec": {"template": {"spec": {"terminationGracePeriodSeconds": 900}}}}),
        (DEPLOYMENT, {"metadata": {"labels": {SERVICE_LABEL: "other"}}}),
        (SERVICE, {"spec": {"selector": {"app": "other"}}}),
        (POD_DISRUPTION_BUDGET, {"spec": {"maxUnavailable": 2}}),
        (NETWORK_POLICY, {"spec": {"ingress": [{}]}}),
    ],
)
def test_an_edited_child_is_put_right(kube: Api, operator: Operator, kind: Any, edit: dict[str, Any]) -> None:
    kube.create("invoices")
    settle(kube)
    # A reconcile that has looked before the edit and applies after it puts it right without having seen it.
    eventually("idle", lambda: is_idle(operator))
    before = kube.meaning("invoices")[f"{kind.plural}/invoices-gateway"]
    name = f"{kind.plural}/invoices-gateway"
    assert meaning_of(kube.patch(kind, "invoices-gateway", edit)) != before
    eventually("as it was", lambda: kube.meaning("invoices").get(name) == before, 10)
    drift = "ocr_operator_drift_corrections_total"
    eventually("counted", lambda: operator.metric(drift, kind=kind.kind) == 1, 10)
    assert operator.metric(drift) == 1


def is_idle(operator: Operator) -> bool:
    """Whether no reconcile ended while an event of a child may have waited for others, nor waits."""
    before = operator.metric("ocr_operator_reconcile_total")
    time.sleep(1.5 * CHILD_SECONDS)
    after = operator.metric("ocr_operator_reconcile_total")
    return before == after and operator.metric("ocr_operator_queue_depth") == 0


def test_a_sweep_looks_at_no_service_of_which_the_watches_told_all(kube: Api, start: Start) -> None:
    operator = start(resync_seconds=1.0).ready()
    kube.create("invoices")
    settle(kube)
    looks, lists = "ocr_operator_reconcile_total", "ocr_operator_k8s_requests_total"
    sweeps = partial(operator.metric, lists, verb="GET", resource="ocrprofiles")
    eventually("idle", lambda: is_idle(operator))
    looked, swept = operator.metric(looks), sweeps()
    eventually("swept again and again", lambda: sweeps() >= swept + TURNS)
    # Its turn, whatever is known of it.
    assert operator.metric(looks) - looked <= 2


def test_a_child_that_is_not_wanted_any_more_goes(kube: Api, operator: Operator) -> None:
    kube.create("invoices")
    settle(kube)
    assert kube.get(POD_DISRUPTION_BUDGET, "invoices-model-server") is not None
    kube.patch(OCR_SERVICE, "invoices", {"spec": {"modelServer": {"replicas": 1}}})
    eventually("gone", lambda: kube.get(POD_DISRUPTION_BUDGET, "invoices-model-server") is None)
    assert kube.get(POD_DISRUPTION_BUDGET, "invoices-gateway") is not None


def test_objects_of_someone_else_with_names_of_children_are_left_alone(kube: Api, operator: Operator) -> None:
    metadata = {"name": "invoices-gateway", "labels": {"team": "other"}}
    spec = {"selector": {"app": "mine"}, "ports": [{"port": 80}]}
    theirs = {
        SERVICE: kube.post(SERVICE, {"kind": "Service", "metadata": metadata, "spec": spec}),
        # An apply would be in conflict about none of its fields.
        SERVICE_ACCOUNT: kube.post(SERVICE_ACCOUNT, {"kind": "ServiceAccount", "metadata": metadata}),
    }
    taken = {f"{kind.plural}/invoices-gateway" for kind in theirs}
    kube.create("invoices")
    eventually("said", lambda: kube.condition("invoices", "Stalled").get("status") == "True")
    assert "invoices-gateway: it exists" in kube.condition("invoices", "Stalled")["message"]
    # What concerns the other children goes on.
    eventually("the rest", lambda: kube.children("invoices").keys() == CHILDREN - taken)
    for kind, it in theirs.items():
        assert kube.get(kind, "invoices-gateway") == it
        kube.delete(kind, "invoices-gateway")
    eventually("all children", lambda: kube.children("invoices").keys() == CHILDREN)
    eventually("no complaint", lambda: kube.condition("invoices", "Stalled").get("status") == "False")


def test_a_deleted_service_leaves_no_child_and_no_series(kube: Api, operator: Operator) -> None:
    kube.create("invoices")
    eventually("shown", lambda: operator.metric("ocr_operator_resource_condition", name="invoices") > 0)
    assert operator.metric("ocr_operator_resource_replicas", name="invoices", state="desired") == 4
    kube.delete(OCR_SERVICE, "invoices")
    eventually("no children", lambda: kube.children("invoices") == {})
    eventually("no series", lambda: 'name="invoices"' not in operator.get("/metrics").text)


def test_a_burst_of_edits_is_a_handful_of_reconciles(kube: Api, operator: Operator) -> None:
    kube.create("invoices", {"suspend": True})
    eventually("accepted", lambda: kube.observed("invoices"))
    before = operator.metric("ocr_operator_reconcile_total")
    for seconds in range(1, 101):
        kube.patch(OCR_SERVICE, "invoices", {"spec": {"gateway": {"drainSeconds": seconds}}})
    eventually("all seen", lambda: kube.observed("invoices"))
    events = operator.metric("ocr_operator_watch_events_total", resource="ocrservices", type="MODIFIED")
    assert events >= 100
    assert operator.metric("ocr_operator_reconcile_total") - before < 60


def test_nobody_writes_the_service_but_its_user_and_its_status_but_the_operator(
    operated: ControlPlane, kube: Api, operator: Operator
) -> None:
    created = kube.create("invoices")
    settle(kube)
    kube.patch(OCR_SERVICE, "invoices", {"spec": {"modelServer": {"replicas": 3}}})
    eventually("seen", lambda: kube.observed("invoices"))
    live = kube.get(OCR_SERVICE, "invoices")
    assert live is not None
    assert not live["metadata"].keys() & {"annotations", "finalizers", "labels"}
    assert created["metadata"].keys() == live["metadata"].keys()
    managers = {(each["manager"], each.get("subresource")) for each in live["metadata"]["managedFields"]}
    assert managers == {("test", None), ("ocr-operator-status", "status")}
    writes = {
        (event["verb"], event["objectRef"].get("subresource"))
        for event in audited(operated, kube)
        if event["objectRef"]["resource"] == "ocrservices" and event["verb"] in WRITES
    }
    assert writes == {("patch", "status")}


def audited(control_plane: ControlPlane, kube: Api) -> list[dict[str, Any]]:
    """What the operator asked for in the namespace, by the apiserver's own log."""
    return [
        event
        for event in control_plane.audit_events()
        if event["userAgent"] == "ocr-operator"
        and event.get("objectRef", {}).get("namespace") == kube.namespace
    ]


def test_a_restarted_operator_finds_nothing_to_write(operated: ControlPlane, kube: Api, start: Start) -> None:
    first = start().ready()
    kube.create("invoices")
    settle(kube)
    eventually("idle", lambda: is_idle(first))
    assert first.stop() == 0
    assert_nothing_to_write(operated, kube, start)


def assert_nothing_to_write(operated: ControlPlane, kube: Api, start: Start) -> None:
    """Another operator looks at everything and changes nothing."""
    before, asked = versions(kube), len(audited(operated, kube))
    second = start().ready()
    eventually("looked at", lambda: second.metric("ocr_operator_reconcile_total", result="success") >= 1)
    eventually("idle", lambda: second.metric("ocr_operator_queue_depth") == 0)
    assert versions(kube) == before
    verbs = {(event["verb"], event["objectRef"]["resource"]) for event in audited(operated, kube)[asked:]}
    assert {each for each in verbs if each[0] in WRITES} == set()
    assert {("get", "ocrservices"), *(("list", kind.plural) for kind in LISTED)} <= verbs
    assert second.metric("ocr_operator_child_applies_total", result="unchanged") > 0
    for wrote in set(get_args(Applied)) - {"unchanged"}:
        assert second.metric("ocr_operator_child_applies_total", result=wrote) == 0


FETCHED = {
    "name": "receipts",
    "source": {
        "http": {
            "url": "https://models.example.com/receipts/",
            "authorization": {"secretKeyRef": {"name": "model-host", "key": "header"}},
        }
    },
    "sha256": "0" * 64,
}
UNREACHABLE = {
    "name": PULL_MODEL,
    "ready": False,
    "restartCount": 1,
    "image": "i",
    "imageID": "i",
    "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}},
    "lastState": {
        "terminated": {"exitCode": 69, "message": "https://models.example.com/ cannot be reached: no route"}
    },
}


def test_a_model_of_a_server_waits_for_its_secret_tells_why_it_does_not_come_and_is_left_alone(
    operated: ControlPlane, kube: Api, start: Start
) -> None:
    first = start().ready()
    kube.create("invoices", {"model": FETCHED})
    eventually("told", lambda: kube.condition("invoices", "SpecAccepted").get("reason") == "SecretNotFound")
    assert (
        "authorization.secretKeyRef: no Secret model-host" in kube.condition("invoices", "Ready")["message"]
    )
    assert kube.children("invoices") == {}

    header = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "model-host"}}
    kube.post(SECRET, {**header, "stringData": {"header": "Bearer x"}})
    eventually("all pods are made", lambda: len(kube.pods("invoices")) == 4, 30)
    servers = kube.items(POD, f"{COMPONENT_LABEL}={MODEL_SERVER}")
    for pod in servers:
        body = {"status": {"initContainerStatuses": [UNREACHABLE]}}
        kube.patch(POD, pod["metadata"]["name"], body, "/status")
    eventually("told", lambda: kube.condition("invoices", "Stalled").get("reason") == "ModelUnavailable")
    assert (
        "(exit code 69): https://models.example.com/ cannot" in kube.condition("invoices", "Ready")["message"]
    )

    for pod in servers:
        kube.patch(POD, pod["metadata"]["name"], {"status": {"initContainerStatuses": None}}, "/status")
    settle(kube)
    eventually("idle", lambda: is_idle(first))
    assert first.stop() == 0
    assert_nothing_to_write(operated, kube, start)


def versions(kube: Api) -> dict[str, str]:
    """The resourceVersion of the service and of each child."""
    service = kube.get(OCR_SERVICE, "invoices") or {}
    objects = {"service": service, **kube.children("invoices")}
    return {name: each["metadata"]["resourceVersion"] for name, each in objects.items()}


def test_a_stored_object_that_cannot_be_read_says_so_in_its_status(
    operated: ControlPlane, kube: Api, operator: Operator
) -> None:
    kube.create("invoices")
    eventually("all children", lambda: kube.children("invoices").keys() == CHILDREN)
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/ocrservices.kubeocr.dev"
    loose = [
        {
            "op": "replace",
            "path": "/spec/versions/0/schema/openAPIV3Schema/properties/spec",
            "value": ANYTHING,
        }
    ]
    try:
        kube.send("PATCH", path, loose, "application/json-patch+json")
        eventually("stored", lambda: store_nonsense(kube))
        eventually("refused", lambda: kube.condition("invoices", "SpecAccepted").get("status") == "False")
        condition = kube.condition("invoices", "SpecAccepted")
        assert condition["reason"] == "InvalidSpec"
        assert "gateway.replicas" in condition["message"]
        # The last good state keeps running.
        assert kube.children("invoices").keys() == CHILDREN
        kube.patch(OCR_SERVICE, "invoices", {"spec": {"gateway": None}})
        eventually("accepted", lambda: kube.condition("invoices", "SpecAccepted").get("status") == "True")
    finally:
        install_crds(operated)


ANYTHING = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


def store_nonsense(kube: Api) -> bool:
    """Write what the loosened schema lets through; it takes a moment to count."""
    try:
        kube.patch(OCR_SERVICE, "invoices", {"spec": {"gateway": {"replicas": "many"}}})
    except httpx.HTTPStatusError:
        return False
    return True


MONITORS = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "servicemonitors.monitoring.coreos.com"},
    "spec": {
        "group": "monitoring.coreos.com",
        "names": {"kind": "ServiceMonitor", "plural": "servicemonitors", "singular": "servicemonitor"},
        "scope": "Namespaced",
        "versions": [
            {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": ANYTHING}},
        ],
    },
}


def test_service_monitors_come_and_go_with_their_crd(
    operated: ControlPlane, kube: Api, operator: Operator
) -> None:
    kube.create("invoices")
    eventually("all children", lambda: kube.children("invoices").keys() == CHILDREN)
    operated.kubectl.run("apply", "--filename=-", stdin=json.dumps(MONITORS))
    try:
        eventually("monitors", lambda: kube.items(SERVICE_MONITOR, f"{SERVICE_LABEL}=invoices"))
        # Now they are watched too.
        for name in [each["metadata"]["name"] for each in kube.items(SERVICE_MONITOR)]:
            kube.send("DELETE", paths.item(kube.ref(SERVICE_MONITOR, name)))
        eventually("monitors again", lambda: kube.items(SERVICE_MONITOR, f"{SERVICE_LABEL}=invoices"), 10)
    finally:
        operated.kubectl.run("delete", "crd", "servicemonitors.monitoring.coreos.com")
    kube.patch(OCR_SERVICE, "invoices", {"spec": {"gateway": {"replicas": 3}}})
    eventually(
        "still at work", lambda: (kube.get(DEPLOYMENT, "invoices-gateway") or {})["spec"]["replicas"] == 3
    )
    eventually("seen", lambda: kube.observed("invoices"))
    assert operator.running()


def test_the_proxy_is_the_only_way(proxy: FaultProxy, kube: Api, operator: Operator) -> None:
    """What the fault tests stand on: the operator's watches and writes both go through the proxy."""
    kube.create("invoices")
    eventually("all children", lambda: kube.children("invoices").keys() == CHILDREN)
    seen = [call for call in proxy.calls if call.is_operator]
    assert any(call.is_watch and call.path.endswith("/deployments") for call in seen)
    assert any(call.is_write for call in seen)
