"""What the chart lets the operator do, and people."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from ocr_operator.models.names import TRAFFIC
from tests.unit.chart_kit import CI, ci_values, kinds, of_kind, permissions, rendered

# CIS Kubernetes Benchmark 5.1 and the good practices for RBAC: what leads to more rights than were given.
VERBS = {"*", "escalate", "bind", "impersonate", "deletecollection", "approve", "sign"}
RESOURCES = {
    "*",
    "certificatesigningrequests",
    "clusterrolebindings",
    "clusterroles",
    "configmaps",
    "mutatingwebhookconfigurations",
    "nodes",
    "nodes/proxy",
    "persistentvolumes",
    "pods/exec",
    "rolebindings",
    "roles",
    "serviceaccounts/token",
    "validatingwebhookconfigurations",
}
# A profile is not held to the limits for tenants, so nobody's role lets them write one.
SERVICES = {"ocrservices", "ocrservices/scale"}
# Ends of the names of the roles that are people's.
PEOPLE = ("-view", "-edit")


@pytest.mark.parametrize("example", CI, ids=lambda path: path.stem)
def test_the_operator_has_no_right_that_leads_to_more(example: Path) -> None:
    manifests = rendered(yaml.safe_load(example.read_text()))
    roles = [each for each in manifests if not each["metadata"]["name"].endswith(PEOPLE)]
    allowed = set(permissions(roles, named=False))
    assert allowed
    assert not {rule for rule in allowed if rule[0] == "*" or rule[1] in RESOURCES or rule[2] in VERBS}


def test_the_operator_only_looks_whether_a_secret_or_a_claim_is_there_and_never_changes_a_service() -> None:
    allowed = set(permissions([of_kind(rendered({}), "ClusterRole")]))
    for kind in ("secrets", "persistentvolumeclaims"):
        assert {verb for _, resource, verb in allowed if resource == kind} == {"get"}
    for kind in ("ocrservices", "ocrprofiles"):
        assert {verb for _, resource, verb in allowed if resource == kind} == {"get", "list", "watch"}


def test_of_all_config_maps_the_operator_may_read_and_write_the_one_of_the_traffic() -> None:
    rules = of_kind(rendered({}), "ClusterRole")["rules"]
    [named] = [rule for rule in rules if "resourceNames" in rule]
    assert named == {
        "apiGroups": [""],
        "resources": ["configmaps"],
        "resourceNames": [TRAFFIC],
        "verbs": ["get", "create", "patch"],
    }


def test_in_two_namespaces_the_operator_has_a_role_in_each_and_no_right_elsewhere() -> None:
    manifests = rendered(ci_values("namespaced"))
    names = [m["metadata"]["name"] for m in manifests if m["kind"].startswith("ClusterRole")]
    assert names == ["ocr-operator-view", "ocr-operator-edit"]  # of people, not bound to anyone
    everywhere = set(permissions([of_kind(rendered({}), "ClusterRole")]))
    for namespace in ("papers", "mail"):
        here = [m for m in manifests if m["metadata"].get("namespace") == namespace]
        [role] = [m for m in here if m["kind"] == "Role"]
        [binding] = [m for m in here if m["kind"] == "RoleBinding"]
        assert set(permissions([role])) == everywhere
        assert binding["subjects"] == [
            {"kind": "ServiceAccount", "name": "ocr-operator", "namespace": "ocr-system"}
        ]
    arguments = of_kind(manifests, "Deployment")["spec"]["template"]["spec"]["containers"][0]["args"]
    assert arguments[-2:] == ["--namespace=papers", "--namespace=mail"]


def test_the_roles_of_people_reach_our_kinds_only_and_can_be_left_out() -> None:
    manifests = rendered({})
    for name, reach in (("view", {*SERVICES, "ocrprofiles"}), ("edit", SERVICES)):
        role = of_kind(manifests, "ClusterRole", f"ocr-operator-{name}")
        assert role["metadata"]["labels"][f"rbac.authorization.k8s.io/aggregate-to-{name}"] == "true"
        assert {resource for _, resource, _ in permissions([role])} == reach
    assert "ClusterRole" not in kinds(ci_values("namespaced") | {"rbac": {"aggregate": False}})
