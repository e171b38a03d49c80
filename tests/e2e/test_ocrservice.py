"""An OCRService on a real node: from `kubectl apply` to text over HTTP, and what production does to it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cluster.kubectl import CommandError
from tests.e2e.platform import Platform
from tests.e2e.steady import assert_nothing_is_written
from tests.e2e.world import NAME, SPEC, TEXT, World, eventually

MISSING = "9.9.9"  # an operand version whose images are nowhere


def test_apply_makes_it_ready_and_kubectl_get_tells(world: World) -> None:
    world.kubectl.run("delete", "ocrservice", NAME, "--ignore-not-found", "--wait=true")
    world.apply()
    world.kubectl.wait("condition=Ready", f"ocrservice/{NAME}", seconds=60)
    world.settle()
    header, row = world.kubectl.run("get", "ocrs", NAME).splitlines()
    assert header.split() == ["NAME", "READY", "REASON", "MODEL", "SERVERS", "GATEWAYS", "URL", "AGE"]
    url = f"http://{NAME}-gateway.{world.kubectl.namespace}.svc"
    assert row.split()[:-1] == [NAME, "True", "Serving", "balanced", "2/2", "2/2", url]


def test_an_image_sent_to_the_gateway_comes_back_as_text(service: World) -> None:
    answer = service.read()
    assert (answer.status_code, answer.text.strip()) == (200, TEXT)


def test_an_edit_of_replicas_and_resources_loses_no_request(service: World) -> None:
    larger = {"requests": {"cpu": "110m", "memory": "300Mi"}, "limits": {"memory": "1Gi"}}
    with service.traffic(at_least=500) as traffic:
        service.apply(
            modelServer={**SPEC["modelServer"], "replicas": 3, "resources": larger},
            gateway={**SPEC["gateway"], "resources": {"requests": {"cpu": "60m", "memory": "64Mi"}}},
        )
        service.settle(240)
        service.apply()
        service.settle(240)
    assert traffic.failures == []
    assert traffic.sent >= 500


def test_kubectl_scale_sets_the_model_servers(service: World) -> None:
    service.kubectl.run("scale", f"ocrservice/{NAME}", "--replicas=1")
    service.settle()
    eventually(lambda: len(service.pods("model-server")) == 1, "one model server")
    assert service.status()["replicas"] == 1


def test_kubectl_scale_works_on_a_spec_that_names_no_replicas(service: World) -> None:
    small = {"resources": SPEC["modelServer"]["resources"]}
    service.apply(modelServer=small)
    service.settle()
    service.kubectl.run("scale", f"ocrservice/{NAME}", "--replicas=1")
    service.settle()
    assert len(service.pods("model-server")) == 1


@pytest.mark.parametrize(
    "child",
    [
        "deployment/invoices-gateway",
        "service/invoices-model-server",
        "serviceaccount/invoices-gateway",
        "poddisruptionbudget/invoices-gateway",
        "networkpolicy/invoices-model-server",
    ],
)
def test_a_deleted_child_is_back_within_ten_seconds(service: World, child: str) -> None:
    before = service.kubectl.json("get", child)["metadata"]["uid"]
    service.kubectl.run("delete", child, "--wait=false", "--cascade=orphan")

    def is_new() -> bool:
        return service.exists(child) and service.kubectl.json("get", child)["metadata"]["uid"] != before

    eventually(is_new, f"{child} is back", 10)


def test_a_hand_edited_child_is_repaired_within_ten_seconds(service: World) -> None:
    edit = '{"spec": {"template": {"spec": {"enableServiceLinks": true}}, "replicas": 5}}'
    service.kubectl.run("patch", f"deployment/{NAME}-gateway", f"--patch={edit}")

    def is_repaired() -> bool:
        spec = service.kubectl.json("get", f"deployment/{NAME}-gateway")["spec"]
        return spec["replicas"] == 2 and not spec["template"]["spec"]["enableServiceLinks"]

    eventually(is_repaired, "the Deployment is as built", 10)


def test_a_killed_pod_is_replaced(service: World) -> None:
    (first, *_) = service.pods("model-server")
    service.kubectl.run("delete", "pod", first, "--grace-period=0", "--force")
    eventually(lambda: first not in service.pods() and len(service.pods("model-server")) == 2, "two pods")
    service.settle()
    assert service.read().text.strip() == TEXT


def test_a_killed_operator_comes_back_and_goes_on(service: World, platform: Platform) -> None:
    platform.kubectl.run("delete", "pods", "--all", "--grace-period=0", "--force")
    service.apply(modelServer={**SPEC["modelServer"], "replicas": 1})
    eventually(lambda: len(service.pods("model-server")) == 1, "the edit made meanwhile", 120)
    service.settle()


def test_a_missing_image_is_named_while_the_old_revision_serves(service: World) -> None:
    service.apply(version=MISSING)
    status = eventually(
        lambda: s if (s := service.status()).get("lastFailure") else None, "the failure is in the status"
    )
    assert status["lastFailure"]["reason"] in {"ImagePullBackOff", "ErrImageNeverPull"}
    assert MISSING in status["lastFailure"]["message"]
    conditions = eventually(
        lambda: c if (c := service.conditions())["Stalled"][0] == "True" else None, "it is stalled"
    )
    assert conditions["Ready"] == ("True", "ServingPreviousRevision")
    assert conditions["RolloutHealthy"][0] == "False"
    assert service.read().text.strip() == TEXT
    service.apply(version="0.1.0")
    service.settle()
    assert "lastFailure" not in service.status()


def test_suspend_runs_no_pods_and_resume_brings_them_back(service: World) -> None:
    service.apply(suspend=True)
    eventually(lambda: not service.pods(), "no pods")
    eventually(lambda: service.conditions()["Ready"] == ("False", "Suspended"), "it says so")
    service.apply()
    service.settle()
    assert service.read().text.strip() == TEXT


def test_a_refused_spec_is_named_and_the_last_one_serves(service: World) -> None:
    service.apply(model={"name": "no-such-model"})
    eventually(lambda: service.conditions()["SpecAccepted"] == ("False", "UnknownModel"), "it is refused")
    assert service.conditions()["Ready"] == ("True", "ServingPreviousRevision")
    assert service.read().text.strip() == TEXT


def test_an_unknown_field_is_refused_at_apply(service: World) -> None:
    with pytest.raises(CommandError, match="unknown field"):
        service.apply(modelServers={"replicas": 1})


def test_nothing_is_written_at_steady_state(service: World) -> None:
    assert_nothing_is_written(service)


def test_a_service_monitor_appears_when_its_kind_does(service: World, platform: Platform) -> None:
    assert service.conditions()["DependenciesPresent"] == ("True", "OptionalMissing")
    with platform.service_monitor_crd():
        eventually(lambda: service.exists("servicemonitor", NAME), "the ServiceMonitor", 60)
        eventually(lambda: service.conditions()["DependenciesPresent"] == ("True", "Present"), "it says so")


def test_an_upgraded_operator_restarts_no_operand(service: World, platform: Platform) -> None:
    before = service.pods()
    # A new image, and a new default version, whose images do not even exist: who holds 0.1.0 keeps it.
    with platform.upgraded(default=MISSING):
        service.kubectl.run("delete", f"poddisruptionbudget/{NAME}-gateway")
        eventually(lambda: service.exists(f"poddisruptionbudget/{NAME}-gateway"), "the new operator works")
        assert service.pods() == before
        assert service.status()["version"]["operand"] == "0.1.0"
    assert service.pods() == before


def test_an_ingress_is_made_and_goes_with_the_wish_for_it(service: World) -> None:
    service.apply(expose={**SPEC["expose"], "ingress": {"host": "ocr.example.com"}})
    # This node has no controller.
    eventually(lambda: service.conditions()["Exposed"] == ("False", "AddressPending"), "it is waited for")
    assert service.exists("ingress", f"{NAME}-gateway")
    service.apply()
    service.settle()
    assert not service.exists("ingress", f"{NAME}-gateway")


def test_deleting_the_service_leaves_nothing(service: World) -> None:
    service.kubectl.run("delete", "ocrservice", NAME)
    eventually(lambda: service.objects() == [], "all children are gone")


def test_a_namespace_goes_when_the_operator_has_gone_before(
    service: World, platform: Platform, other: World
) -> None:
    one = {"replicas": 1}
    other.apply(modelServer=SPEC["modelServer"] | one, gateway=SPEC["gateway"] | one)
    other.settle()
    with platform.uninstalled():
        other.kubectl.run("delete", "namespace", other.kubectl.namespace, "--timeout=90s", seconds=100)
    service.settle()


def test_the_service_is_a_good_kubernetes_citizen(service: World) -> None:
    body: dict[str, Any] = service.kubectl.json("get", "ocrservice", NAME, "--show-managed-fields")
    assert "finalizers" not in body["metadata"]
    annotations = body["metadata"].get("annotations", {})
    assert set(annotations) <= {"kubectl.kubernetes.io/last-applied-configuration"}
    writers = {entry["manager"]: entry.get("subresource") for entry in body["metadata"]["managedFields"]}
    writers = {manager: part for manager, part in writers.items() if not manager.startswith("kubectl")}
    assert writers == {"ocr-operator-status": "status"}
