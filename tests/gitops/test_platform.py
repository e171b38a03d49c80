"""What administrators do: bootstrap, pause, upgrade, install from a registry, delete."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.cluster import images
from tests.cluster.images import ROOT
from tests.cluster.node import Node
from tests.e2e.platform import MISSING, NEXT_TAG, values
from tests.e2e.world import TEXT, World, eventually
from tests.gitops import manual
from tests.gitops.argo import FIRST, GOOD, Argo
from tests.gitops.repository import EXAMPLE_URL

EXAMPLE_REGISTRY = "registry.example.com/ocr"


def test_bootstrap_makes_everything_synced_and_healthy(argo: Argo, staging: World, production: World) -> None:
    assert argo.states() == dict.fromkeys(FIRST, GOOD)
    assert staging.read().text.strip() == production.read().text.strip() == TEXT


def test_the_manuals_commands_print_what_it_shows(argo: Argo, request: pytest.FixtureRequest) -> None:
    programs = {"kubectl": argo.kubectl.run, "argocd": argo.cli}

    def run(command: str) -> str:
        program, *args = shlex.split(command)
        return programs[program](*args)

    page = manual.PAGE.read_text()
    printed = manual.replayed(page, run).replace(argo.repository.url, EXAMPLE_URL)
    if request.config.getoption("--update-golden"):
        manual.PAGE.write_text(printed)
    else:
        assert manual.without_commits(printed) == manual.without_commits(page)


@pytest.mark.parametrize("template", ["ocr-degraded", "ocr-not-synced"])
def test_notifications_are_json_with_the_applications_name(argo: Argo, template: str) -> None:
    config = f"--config-map={argo.repository.tree}/argocd/config/argocd-notifications-cm.yaml"
    notify = ("admin", "notifications", "template", "notify", template, "ocr-staging-invoices")
    shown = yaml.safe_load(argo.cli(*notify, config, "--secret=:empty", "--namespace=argocd"))
    body = json.loads(shown["webhook"]["ocr-alerts"]["body"])
    assert body["application"] == "ocr-staging-invoices"
    assert body["revision"] == argo.repository.head


def test_an_application_that_was_paused_by_hand_stays_so(argo: Argo) -> None:
    def is_automated() -> bool:
        return "automated" in argo.applications()["ocr-operator"]["spec"]["syncPolicy"]

    policy = ("app", "set", "ocr-operator", "--sync-policy")
    argo.cli(*policy, "none")
    try:
        argo.settle("hard")
        assert not is_automated()
    finally:
        argo.cli(*policy, "automated", "--auto-prune", "--self-heal")
    assert is_automated()


def test_an_upgrade_of_the_operator_by_a_commit_restarts_no_operand(
    argo: Argo, node: Node, staging: World, production: World
) -> None:
    before = staging.pods() | production.pods()
    old, new = (images.reference("operator", tag) for tag in (images.version(), NEXT_TAG))
    node.ctr("images", "tag", "--force", old, new)
    # A new default version, too, whose images do not even exist: who holds 0.1.0 keeps it.
    upgrade = values(image={"tag": NEXT_TAG}, operands={"default": MISSING})
    argo.repository.commit({"argocd/operator-values.yaml": upgrade})
    argo.settle()

    def images_at_work() -> set[str]:
        pods = node.kubectl("ocr-system").json("get", "pods")["items"]
        here = (pod for pod in pods if "deletionTimestamp" not in pod["metadata"])
        return {pod["spec"]["containers"][0]["image"] for pod in here}

    eventually(lambda: images_at_work() == {new}, "the new operator alone is at work")
    assert staging.pods() | production.pods() == before


@pytest.mark.long
def test_the_chart_is_installed_from_a_registry(argo: Argo, node: Node, oci: str, tmp_path: Path) -> None:
    application = manual.manifest("oci://")
    source = application["spec"]["source"]
    name, namespace = application["metadata"]["name"], application["spec"]["destination"]["namespace"]
    images_there = [f"--image={program}=sha256:{'0' * 64}" for program in images.PROGRAMS]
    push = [sys.executable, "-m", "tests.release.push", f"{oci}/ocr", f"--folder={tmp_path}", *images_there]
    subprocess.run([*node.in_network, *push], cwd=ROOT, check=True, capture_output=True)
    source["repoURL"] = source["repoURL"].replace(EXAMPLE_REGISTRY, f"{oci}/ocr")
    # Beside the operator that is there.
    source["helm"]["valuesObject"] = values(watch={"namespaces": [namespace]}, crds={"install": False})
    argo.kubectl.apply(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "oci", "labels": {"argocd.argoproj.io/secret-type": "repository"}},
            "stringData": {"type": "oci", "url": source["repoURL"], "insecureOCIForceHttp": "true"},
        }
    )
    argo.kubectl.apply(application)
    try:
        eventually(lambda: argo.states().get(name) == GOOD, "it is synced and healthy", 120)
        [deployment] = node.kubectl(namespace).json("get", "deployments")["items"]
        assert deployment["metadata"]["labels"]["helm.sh/chart"] == f"ocr-operator-{images.version()}"
        assert argo.applications()[name]["status"]["sync"]["revision"].startswith("sha256:")
    finally:
        argo.cli("app", "delete", name, "--yes")
        argo.await_gone(name)


def test_the_root_alone_can_go_and_nothing_else_goes_with_it(argo: Argo, staging: World) -> None:
    before = staging.pods()
    argo.kubectl.run("delete", "application", "ocr-root")
    assert argo.states() == dict.fromkeys(set(FIRST) - {"ocr-root"}, GOOD)
    with argo.bootstrap():
        pass
    assert staging.pods() == before


@pytest.mark.long
def test_all_goes_services_first_and_a_new_bootstrap_brings_all_back(
    argo: Argo, node: Node, staging: World
) -> None:
    argo.cli("app", "delete", "ocr-root", "--yes")
    eventually(lambda: not argo.states().keys() - {"ocr-crds"}, "the Applications are gone", 120)
    assert staging.exists("crd", "ocrservices.kubeocr.dev")
    assert staging.exists("namespace", "ocr-production")
    deleted = [
        event["objectRef"]
        for event in node.audit_events()
        if event["verb"] == "delete" and event["responseStatus"]["code"] == 200
    ]
    services = [index for index, one in enumerate(deleted) if one["resource"] == "ocrservices"]
    operator = [index for index, one in enumerate(deleted) if one.get("name") == "ocr-operator"]
    assert max(services) < min(operator)
    with argo.bootstrap():
        pass
    argo.settle()
    assert staging.read().text.strip() == TEXT
