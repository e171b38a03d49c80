"""Services that take a profile: the real kopf against the real apiserver."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import yaml

from ocr_operator.models.manifest import DEPLOYMENT, HORIZONTAL_POD_AUTOSCALER, OCR_PROFILE, OCR_SERVICE
from tests.cluster.controlplane import ControlPlane
from tests.cluster.fixtures import new_namespace
from tests.cluster.kubectl import Kubectl
from tests.component.conftest import Start, install_crds
from tests.component.test_operator_reconcile import assert_nothing_to_write as assert_rests
from tests.component.test_operator_reconcile import is_idle, settle
from tests.support.api import Api, eventually
from tests.support.faultproxy import FaultProxy
from tests.support.process import ROOT, Operator

TAKES = {"profileRef": {"name": "standard"}}


def share(kube: Api, spec: dict[str, Any], name: str = "standard") -> None:
    """A new profile."""
    head = {"apiVersion": OCR_PROFILE.api_version, "kind": OCR_PROFILE.kind, "metadata": {"name": name}}
    kube.post(OCR_PROFILE, {**head, "spec": spec})


def change(kube: Api, spec: dict[str, Any]) -> None:
    """Edit the profile."""
    kube.patch(OCR_PROFILE, "standard", {"spec": spec})


def refused(kube: Api, reason: str, name: str = "invoices") -> bool:
    """Whether the spec is refused for that reason."""
    said = kube.condition(name, "SpecAccepted")
    return (said.get("status"), said.get("reason")) == ("False", reason)


def accepted(kube: Api, name: str = "invoices") -> bool:
    """Whether the spec is accepted."""
    return kube.condition(name, "SpecAccepted").get("status") == "True"


def replicas(kube: Api, component: str = "model-server", name: str = "invoices") -> int | None:
    """Pods that a Deployment is asked to have."""
    found = kube.get(DEPLOYMENT, f"{name}-{component}")
    return found and found["spec"]["replicas"]


def labels(kube: Api, name: str = "invoices") -> dict[str, str]:
    """Labels of the model servers' template."""
    found = kube.get(DEPLOYMENT, f"{name}-model-server")
    return dict(found["spec"]["template"]["metadata"]["labels"]) if found else {}


def come_up(kube: Api, name: str) -> None:
    """Wait until the pods of one service run."""

    def look() -> bool:
        kube.run_pods()
        return kube.condition(name, "Reconciling").get("status") == "False"

    eventually("at rest", look)


def test_a_service_takes_a_profile_and_what_it_says_itself_wins(kube: Api, operator: Operator) -> None:
    share(kube, {"modelServer": {"replicas": 1, "podLabels": {"cost": "a"}}, "gateway": {"replicas": 1}})
    kube.create("invoices", {**TAKES, "modelServer": {"replicas": 3, "podLabels": {"team": "b"}}})
    eventually("made", lambda: replicas(kube, "gateway") == 1)
    assert replicas(kube) == 3
    assert {"cost": "a", "team": "b"}.items() <= labels(kube).items()
    eventually("judged", lambda: accepted(kube))
    found = kube.get(OCR_SERVICE, "invoices")
    assert found is not None
    assert found["spec"] == {**TAKES, "modelServer": {"replicas": 3, "podLabels": {"team": "b"}}}
    said = kube.status("invoices")["profile"]
    assert (said["name"], said["generation"], len(said["hash"])) == ("standard", 1, 10)


def test_a_changed_profile_rolls_out_and_nothing_is_written_at_rest(
    operated: ControlPlane, kube: Api, start: Start
) -> None:
    first = start().ready()
    share(kube, {"modelServer": {"podLabels": {"cost": "a"}}})
    kube.create("invoices", TAKES)
    settle(kube)
    hash_before = kube.status("invoices")["profile"]["hash"]
    change(kube, {"modelServer": {"podLabels": {"cost": "b"}}})
    # Well before the resync, and with no change of the service.
    eventually("rolled out", lambda: labels(kube).get("cost") == "b", 10)
    eventually("said", lambda: kube.status("invoices")["profile"]["generation"] == 2, 10)
    assert kube.status("invoices")["profile"]["hash"] != hash_before
    assert kube.status("invoices")["observedGeneration"] == 1
    come_up(kube, "invoices")
    eventually("idle", lambda: is_idle(first))
    assert first.stop() == 0
    assert_rests(operated, kube, start)


def test_a_profile_that_changes_while_no_operator_runs_is_found_by_the_next(kube: Api, start: Start) -> None:
    first = start().ready()
    share(kube, {"gateway": {"replicas": 1}})
    kube.create("invoices", TAKES)
    eventually("made", lambda: replicas(kube, "gateway") == 1)
    assert first.stop() == 0
    change(kube, {"gateway": {"replicas": 2}})
    start().ready()
    eventually("rolled out", lambda: replicas(kube, "gateway") == 2)
    change(kube, {"gateway": {"replicas": 3}})
    eventually("rolled out again", lambda: replicas(kube, "gateway") == 3, 10)


def test_without_its_profile_a_service_is_refused_and_runs_on_until_it_is_back(
    kube: Api, operator: Operator
) -> None:
    kube.create("invoices", TAKES)
    eventually("refused", lambda: refused(kube, "ProfileNotFound"))
    assert kube.children("invoices") == {}
    assert kube.status("invoices")["profile"] == {"name": "standard"}
    share(kube, {"modelServer": {"podLabels": {"cost": "a"}}, "rollout": {"strategy": "Canary"}})
    eventually("accepted", lambda: accepted(kube), 10)
    settle(kube)
    before, status = kube.meaning("invoices"), kube.status("invoices")

    kube.delete(OCR_PROFILE, "standard")
    eventually("refused", lambda: refused(kube, "ProfileNotFound"), 10)
    said = kube.condition("invoices", "Ready")
    assert (said["status"], said["reason"]) == ("True", "ServingPreviousRevision")
    assert said["message"] == (
        "spec.profileRef: no OCRProfile standard in this namespace; create it or name another"
    )
    assert kube.meaning("invoices") == before
    for member in ("address", "model", "revisions", "traffic", "version"):
        assert kube.status("invoices")[member] == status[member]

    share(kube, {"modelServer": {"podLabels": {"cost": "a"}}, "rollout": {"strategy": "Canary"}})
    eventually("accepted", lambda: accepted(kube), 10)
    eventually("ready", lambda: kube.condition("invoices", "Ready")["reason"] == "Serving")
    assert kube.meaning("invoices") == before
    assert kube.status("invoices")["profile"] == status["profile"]


def test_an_autoscaler_of_a_profile_goes_on_without_it_and_goes_when_replicas_are_set(
    kube: Api, operator: Operator
) -> None:
    share(kube, {"modelServer": {"autoscaling": {"maxReplicas": 4}}})
    kube.create("invoices", TAKES)
    eventually("an autoscaler", lambda: kube.get(HORIZONTAL_POD_AUTOSCALER, "invoices-model-server"))
    settle(kube)
    kube.delete(OCR_PROFILE, "standard")
    eventually("refused", lambda: refused(kube, "ProfileNotFound"))
    assert kube.get(HORIZONTAL_POD_AUTOSCALER, "invoices-model-server")
    assert kube.condition("invoices", "AutoscalingActive")["reason"] != "Disabled"
    share(kube, {"modelServer": {"autoscaling": {"maxReplicas": 4}}})
    eventually("accepted", lambda: accepted(kube))
    kube.patch(OCR_SERVICE, "invoices", {"spec": {"modelServer": {"replicas": 1}}})
    eventually("no autoscaler", lambda: not kube.get(HORIZONTAL_POD_AUTOSCALER, "invoices-model-server"))
    eventually("scaled", lambda: replicas(kube) == 1)


def test_a_contradiction_is_refused_in_words_that_name_field_and_profile(
    kube: Api, operator: Operator
) -> None:
    share(kube, {"gateway": {"replicas": 1, "jobs": {"ttlSeconds": 60}}})
    kube.create("invoices", TAKES)
    eventually("accepted", lambda: accepted(kube))
    kube.patch(OCR_SERVICE, "invoices", {"spec": {"gateway": {"replicas": 3}}})
    eventually("refused", lambda: refused(kube, "InvalidSpec"))
    assert kube.condition("invoices", "SpecAccepted")["message"] == (
        "spec.gateway: jobs in memory are known to one gateway only; set replicas: 1 or jobs.store: Redis; "
        "OCRProfile standard is part of this spec"
    )
    assert replicas(kube, "gateway") == 1
    change(kube, {"gateway": {"jobs": None}})
    eventually("accepted", lambda: accepted(kube), 10)
    eventually("rolled out", lambda: replicas(kube, "gateway") == 3)


def test_what_a_profile_names_is_looked_for_where_its_service_is(kube: Api, operator: Operator) -> None:
    share(kube, {"gateway": {"auth": {"type": "APIKey", "secretRef": {"name": "keys"}}}})
    kube.create("invoices", TAKES)
    eventually("refused", lambda: refused(kube, "SecretNotFound"))
    assert kube.condition("invoices", "SpecAccepted")["message"] == (
        "spec.gateway.auth.secretRef: no Secret keys in this namespace; create it or name another; "
        "OCRProfile standard is part of this spec"
    )


def test_a_change_of_a_profile_is_tried_by_a_canary(kube: Api, operator: Operator) -> None:
    share(kube, {"rollout": {"strategy": "Canary"}, "modelServer": {"podLabels": {"cost": "a"}}})
    kube.create("invoices", TAKES)
    settle(kube)
    eventually("served", lambda: kube.status("invoices")["revisions"].get("served"))
    stable = kube.get(DEPLOYMENT, "invoices-model-server")
    change(kube, {"modelServer": {"podLabels": {"cost": "b"}}})
    eventually("tried", lambda: kube.status("invoices")["revisions"].get("candidate"))
    assert stable is not None
    assert labels(kube)["cost"] == "a"
    change(kube, {"modelServer": {"podLabels": {"cost": "a"}}})
    eventually("taken back", lambda: not kube.status("invoices")["revisions"].get("candidate"))


def test_without_the_kind_services_run_on_and_when_it_is_back_profiles_are_followed(
    operated: ControlPlane, kube: Api, operator: Operator
) -> None:
    share(kube, {"gateway": {"replicas": 1}})
    kube.create("invoices", TAKES)
    eventually("made", lambda: replicas(kube, "gateway") == 1)
    operated.kubectl.run("delete", "crd", "ocrprofiles.kubeocr.dev")
    try:
        eventually("said", lambda: "ocrprofiles.kubeocr.dev is not installed" in operator.get("/readyz").text)
        eventually("refused", lambda: refused(kube, "ProfileNotFound"))
        assert replicas(kube, "gateway") == 1
        # Who takes no profile is looked after all the same.
        kube.create("letters")
        eventually("made", lambda: replicas(kube, "gateway", "letters") == 2)
        eventually("watched no more", lambda: operator.said().count("the cluster serves") == 2)
    finally:
        install_crds(operated)
    eventually("ready", lambda: operator.answers("/readyz") == 200)
    share(kube, {"gateway": {"replicas": 1}})
    eventually("accepted", lambda: accepted(kube))
    change(kube, {"gateway": {"replicas": 3}})
    eventually("rolled out", lambda: replicas(kube, "gateway") == 3, 10)


@pytest.fixture
def other(proxy: FaultProxy, operated: ControlPlane) -> Iterator[Api]:
    """A second namespace."""
    with ExitStack() as stack:
        api = Api(proxy.url, stack.enter_context(new_namespace(operated.kubectl)))
        stack.callback(api.close)
        yield api


def test_a_profile_is_of_its_namespace_and_of_those_that_name_it(kube: Api, other: Api, start: Start) -> None:
    operator = start(namespaces=[kube.namespace, other.namespace]).ready()
    for api in (kube, other):
        share(api, {"gateway": {"replicas": 1}})
        api.create("invoices", TAKES)
    share(kube, {"gateway": {"replicas": 1}}, name="other")
    kube.create("letters", {"profileRef": {"name": "other"}})
    kube.create("notes", TAKES)
    services = [(kube, "invoices"), (other, "invoices"), (kube, "letters"), (kube, "notes")]
    for api, name in services:
        eventually("made", lambda api=api, name=name: replicas(api, "gateway", name) == 1)
        come_up(api, name)
    eventually("idle", lambda: is_idle(operator))
    change(kube, {"gateway": {"replicas": 2}})
    for name in ("invoices", "notes"):
        eventually("rolled out", lambda name=name: replicas(kube, "gateway", name) == 2, 10)
    assert (replicas(kube, "gateway", "letters"), replicas(other, "gateway")) == (1, 1)


def test_the_example_is_applied_as_it_stands(operated: ControlPlane, kube: Api, operator: Operator) -> None:
    kubectl = Kubectl(operated.kubeconfig, kube.namespace)
    text = (ROOT / "examples/profile.yaml").read_text()
    kubectl.run("apply", "--filename=-", stdin=text)
    profile, *services = yaml.safe_load_all(text)
    for service in services:
        name = service["metadata"]["name"]
        eventually("accepted", lambda name=name: accepted(kube, name))
        assert labels(kube, name)["cost-center"] == profile["spec"]["modelServer"]["podLabels"]["cost-center"]
    assert (kube.status("letters")["model"]["name"], replicas(kube, name="letters")) == ("fast", 2)
    assert (kube.status("contracts")["model"]["name"], replicas(kube, name="contracts")) == ("accurate", 3)
    assert kubectl.run("get", "ocrp").splitlines()[1].split()[:2] == ["standard", "fast"]
