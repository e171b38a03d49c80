"""The chart's roles against what the operator asks the real apiserver for."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from ocr_operator.models.manifest import (
    CHILD_KINDS,
    CONFIG_MAP,
    HORIZONTAL_POD_AUTOSCALER,
    HTTP_ROUTE,
    INGRESS,
    NETWORK_POLICY,
    OCR_SERVICE,
    POD_DISRUPTION_BUDGET,
    SERVICE_MONITOR,
    Kind,
)
from tests.cluster.controlplane import ControlPlane, succeeds
from tests.cluster.kubectl import Kubectl
from tests.cluster.upstreams import http_route_crd
from tests.component.test_operator_reconcile import MONITORS, make_again, settle
from tests.support.api import Api, eventually
from tests.support.process import Operator
from tests.unit.chart_kit import Manifest, permissions, rendered

ACCOUNT = "ocr-operator"
WAYS_IN = {
    "ingress": {"host": "ocr.example.com"},
    "gatewayAPI": {"parentRefs": [{"name": "edge"}], "hostnames": ["ocr.example.com"]},
}
ROLES = {"Role", "RoleBinding", "ServiceAccount"}
# What this version of the operator has no reason to do, and why it may.
RESERVED = {
    # Only where the admission plugin OwnerReferencesPermissionEnforcement is on.
    ("kubeocr.dev", "ocrservices/finalizers", "update"),
}


def chart_roles(namespace: str) -> list[Manifest]:
    """What the chart, installed in the namespace for this namespace, makes for access."""
    manifests = rendered({"watch": {"namespaces": [namespace]}}, namespace)
    return [manifest for manifest in manifests if manifest["kind"] in ROLES]


@pytest.fixture
def operator(operated: ControlPlane, namespace: str, tmp_path: Path) -> Iterator[Operator]:
    """An operator with the rights of the chart and no others."""
    kubectl = Kubectl(operated.kubeconfig, namespace)
    for manifest in chart_roles(namespace):
        kubectl.apply(manifest)
    kubeconfig = operated.service_account_kubeconfig(namespace, ACCOUNT)
    operator = Operator(kubeconfig, tmp_path, namespace, leader_elect=True)
    yield operator.ready()
    operator.kill()
    print(operator.said())


def asked(control_plane: ControlPlane, namespace: str) -> Iterator[tuple[tuple[str, str, str], int]]:
    """What the operator asked for, as group, resource and verb, and the answer's status."""
    for event in control_plane.audit_events():
        about = event.get("objectRef", {})
        if event["user"].get("username") == f"system:serviceaccount:{namespace}:{ACCOUNT}" and about:
            resource = "/".join(filter(None, (about["resource"], about.get("subresource"))))
            status = event.get("responseStatus", {}).get("code", 0)
            yield (about.get("apiGroup", ""), resource, event["verb"]), status
            if event["verb"] == "patch" and status == 201:
                # An apply that makes an object: the right to create is checked, too.
                yield (about.get("apiGroup", ""), resource, "create"), status


def is_accepted(kube: Api, status: str) -> bool:
    """Whether the spec's acceptance is told as this."""
    return bool(kube.condition("invoices", "SpecAccepted").get("status") == status)


def live(kube: Api) -> None:
    """Refused for what is missing, accepted, with all kinds of children, then with fewer."""
    keys = {"type": "APIKey", "secretRef": {"name": "keys"}}
    kube.create("invoices", {"profileRef": {"name": "standard"}})
    eventually("told", partial(is_accepted, kube, "False"))
    kube.patch(OCR_SERVICE, "invoices", {"spec": {"profileRef": None}})
    for auth, accepted in ((keys, "False"), (None, "True")) * 2:
        kube.patch(OCR_SERVICE, "invoices", {"spec": {"gateway": {"auth": auth}}})
        eventually("told", partial(is_accepted, kube, accepted))
    claim = {"persistentVolumeClaim": {"claimName": "models"}}
    for model, accepted in (({"name": "own", "source": claim, "sha256": "0" * 64}, "False"), (None, "True")):
        kube.patch(OCR_SERVICE, "invoices", {"spec": {"model": model}})
        eventually("told", partial(is_accepted, kube, accepted))
    settle(kube)
    few = {"minReplicas": 2, "maxReplicas": 3}
    kube.patch(OCR_SERVICE, "invoices", {"spec": {"modelServer": {"autoscaling": few}}})
    eventually("an autoscaler", lambda: kube.items(HORIZONTAL_POD_AUTOSCALER))
    eventually("a monitor", lambda: kube.items(SERVICE_MONITOR))
    for way, kind in (("ingress", INGRESS), ("gatewayAPI", HTTP_ROUTE)):
        other = {"ingress": None, "gatewayAPI": None}
        kube.patch(OCR_SERVICE, "invoices", {"spec": {"expose": {**other, way: WAYS_IN[way]}}})
        eventually(f"by {way} only", lambda kind=kind: ways_in(kube) == {kind})
        lose_all_children(kube)
    kube.patch(OCR_SERVICE, "invoices", {"spec": {"modelServer": None}})
    eventually("no autoscaler", lambda: not kube.items(HORIZONTAL_POD_AUTOSCALER))
    fewer = {
        "gateway": {"replicas": 1},
        "observability": {"serviceMonitor": {"mode": "Disabled"}},
        "expose": None,
        "networkPolicy": {"mode": "Disabled"},
    }
    kube.patch(OCR_SERVICE, "invoices", {"spec": {"rollout": {"strategy": "Canary"}}})
    eventually("divided", lambda: kube.items(CONFIG_MAP))
    kube.patch(OCR_SERVICE, "invoices", {"spec": fewer})
    eventually("open", lambda: not kube.items(NETWORK_POLICY) and not ways_in(kube))
    eventually("one budget", lambda: len(kube.items(POD_DISRUPTION_BUDGET)) == 1)
    eventually("no monitor", lambda: not kube.items(SERVICE_MONITOR))


def lose_all_children(kube: Api) -> None:
    """They belong to nobody for a while, and their names are taken; then they go."""
    children = kube.children("invoices").keys()
    kinds = {kind.plural: kind for kind in CHILD_KINDS}
    for plural, name in (child.split("/") for child in children):
        kube.patch(kinds[plural], name, {"metadata": {"ownerReferences": None}})
    stalled = partial(kube.condition, "invoices", "Stalled")
    eventually("told", lambda: "belongs to someone else" in str(stalled().get("message")))
    for plural, name in (child.split("/") for child in children):
        kube.delete(kinds[plural], name)
    eventually("all are there again", lambda: kube.children("invoices").keys() == children)
    eventually("settled", lambda: stalled()["status"] == "False")


def ways_in(kube: Api) -> set[Kind]:
    """The kinds of ways in that there are."""
    return {kind for kind in (INGRESS, HTTP_ROUTE) if kube.items(kind)}


def test_a_services_life_needs_every_right_of_the_roles_and_no_other(
    operated: ControlPlane, kube: Api, operator: Operator, namespace: str
) -> None:
    routes = http_route_crd().read_text()
    operated.kubectl.apply(MONITORS)
    operated.kubectl.apply(routes, "--server-side")
    try:
        live(kube)
        make_again(operated, kube)
    finally:
        operated.kubectl.run("delete", "crd", MONITORS["metadata"]["name"])
        operated.kubectl.run("delete", "--filename=-", stdin=routes)
    assert operator.stop() == 0
    answers = list(asked(operated, namespace))
    assert [permission for permission, status in answers if status == 403] == []
    granted = set(permissions(chart_roles(namespace)))
    assert granted - {permission for permission, _ in answers} == RESERVED


def test_who_may_view_or_edit_a_namespace_may_view_or_edit_its_services_and_only_view_its_profiles(
    operated: ControlPlane, namespace: str
) -> None:
    kubectl = Kubectl(operated.kubeconfig, namespace)
    for manifest in rendered({}, namespace):
        if manifest["metadata"]["name"].endswith(("-view", "-edit")):
            kubectl.apply(manifest)
    for user, role in (("viewer", "view"), ("editor", "edit"), ("administrator", "admin")):
        kubectl.run("create", "rolebinding", role, f"--clusterrole={role}", f"--user={user}")

    def may(user: str, verb: str, subresource: str = "", kind: str = "ocrservices") -> bool:
        question = ("can-i", verb, kind, f"--subresource={subresource}")
        return succeeds(kubectl, "auth", *question, f"--as={user}")

    eventually("view", lambda: may("viewer", "list"))
    eventually("edit", lambda: may("editor", "delete"))
    assert may("editor", "get")
    assert may("editor", "patch", "scale")
    assert not may("viewer", "create")
    assert not may("viewer", "patch", "scale")
    assert not may("editor", "patch", "status")
    for user in ("viewer", "editor", "administrator"):
        assert may(user, "list", kind="ocrprofiles")
        assert not any(may(user, verb, kind="ocrprofiles") for verb in ("create", "patch", "delete"))
