"""What a commit does to services, and what it leaves alone."""

from __future__ import annotations

import pytest
import yaml

from tests.cluster.images import ROOT
from tests.e2e.world import NAME, TEXT, World, eventually
from tests.gitops.argo import PATIENCE, Argo, is_asked, syncs
from tests.gitops.repository import Spec, labelled, service, service_file

EXAMPLES = [
    manifest
    for path in sorted((ROOT / "examples").glob("*.yaml"))
    for manifest in yaml.safe_load_all(path.read_text())
    if manifest["kind"] == "OCRService"
]


def test_a_commit_rolls_out_a_service(argo: Argo, staging: World, spec: Spec) -> None:
    before = staging.pods("model-server")
    changed = {"requests": {"cpu": "110m", "memory": "256Mi"}, "limits": {"memory": "1Gi"}}
    argo.repository.commit(
        {service_file("staging"): service({**spec, "modelServer": {"replicas": 1, "resources": changed}})}
    )
    argo.settle()
    staging.settle()
    assert not before.keys() & staging.pods("model-server").keys()
    assert staging.read().text.strip() == TEXT


def test_a_force_push_is_followed_backwards(argo: Argo, staging: World, spec: Spec) -> None:
    def spec_there() -> object:
        return staging.kubectl.json("get", "ocrservice", NAME)["spec"]

    argo.repository.commit({service_file("staging"): service(labelled(spec))})
    argo.settle()
    assert spec_there() == labelled(spec)
    argo.repository.restore()
    argo.settle()
    assert spec_there() == spec


def test_a_hand_edit_is_undone(argo: Argo, staging: World) -> None:
    def drain() -> object:
        return staging.kubectl.json("get", "ocrservice", NAME)["spec"]["gateway"]["drainSeconds"]

    before = drain()
    edit = '--patch={"spec":{"gateway":{"drainSeconds":9}}}'
    staging.kubectl.run("patch", "ocrservice", NAME, "--type=merge", edit)
    eventually(lambda: drain() == before, "it is as in Git")


def test_what_the_operator_writes_is_not_out_of_sync(argo: Argo, staging: World) -> None:
    before = syncs(argo.applications()["ocr-staging-invoices"])
    (pod,) = staging.pods("gateway")
    staging.kubectl.run("delete", "pod", pod)
    staging.kubectl.run("scale", f"deployment/{NAME}-gateway", "--replicas=2")
    eventually(lambda: pod not in staging.pods() and len(staging.pods("gateway")) == 1, "it is repaired")
    staging.settle()
    argo.settle("hard")
    application = argo.applications()["ocr-staging-invoices"]
    assert [resource["kind"] for resource in application["status"]["resources"]] == ["OCRService"]
    assert syncs(application) == before
    tracked = [o for o in staging.objects() if "argocd.argoproj.io" in str(o["metadata"].get("annotations"))]
    assert tracked == []


@pytest.mark.long
def test_every_example_is_in_sync_whatever_the_operator_makes_of_it(argo: Argo, staging: World) -> None:
    # All that the operator makes but the pods, which two cores would start for minutes.
    specs = {each["metadata"]["name"]: {**each["spec"], "suspend": True} for each in EXAMPLES}
    specs.pop(NAME)
    argo.repository.commit(
        {service_file("staging", name): service(spec, name) for name, spec in specs.items()}
    )
    argo.refresh()

    def is_seen(name: str) -> bool:
        found = staging.kubectl.json("get", "ocrservices")["items"]
        seen = {each["metadata"]["name"]: each.get("status", {}).get("observedGeneration") for each in found}
        return seen.get(name) == 1

    for name in specs:
        eventually(lambda name=name: is_seen(name), f"the operator has looked at {name}")
        # It ends with status 1 if anything differs.
        assert argo.cli("app", "diff", f"ocr-staging-{name}", "--hard-refresh") == ""
        assert argo.states()[f"ocr-staging-{name}"][0] == "Synced"


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_canary_under_an_autoscaler_is_in_sync_at_every_moment(
    argo: Argo, staging: World, spec: Spec
) -> None:
    name, resources = "ocr-staging-invoices", spec["modelServer"]["resources"]
    canary = {
        "strategy": "Canary",
        "canary": {"steps": [{"weight": 50, "pauseSeconds": 5}], "analysis": {"minSamples": 10}},
    }

    def release(**variables: str) -> None:
        servers = {
            "resources": resources,
            "autoscaling": {"minReplicas": 1, "maxReplicas": 2},
            "env": [{"name": key, "value": value} for key, value in variables.items()],
        }
        argo.repository.commit(
            {service_file("staging"): service({**spec, "rollout": canary, "modelServer": servers})}
        )
        argo.refresh()

    def weight() -> object:
        return staging.status().get("revisions", {}).get("candidate", {}).get("weight")

    release()
    argo.settle()
    staging.settle()
    before = syncs(argo.applications()[name])
    release(NOTE="second")
    eventually(lambda: weight() == 50, "the candidate has half of the requests", PATIENCE)
    argo.refresh("hard")
    eventually(lambda: not is_asked(argo.applications()[name]), "it is compared while the canary runs")
    assert (weight(), argo.states()[name]) == (50, ("Synced", "Progressing"))
    with staging.traffic(at_least=60):
        staging.settle(PATIENCE)
    argo.settle("hard")
    assert syncs(argo.applications()[name]) == before + 1


@pytest.mark.long
def test_a_folder_that_goes_takes_its_service_along_and_no_other(
    argo: Argo, staging: World, production: World
) -> None:
    before = staging.pods()
    argo.repository.commit({service_file("production"): None})
    argo.refresh()
    argo.await_gone("ocr-production-invoices")
    assert not production.exists("ocrservice", NAME)
    eventually(lambda: production.objects() == [], "all children are gone")
    assert staging.pods() == before
