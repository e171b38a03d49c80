"""What is wrong in Git: who says so, who goes on, and how it is mended."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cluster.node import Node
from tests.e2e.world import NAME, TEXT, World, eventually
from tests.gitops.argo import FIRST, GOOD, Argo, said, state
from tests.gitops.repository import Spec, labelled, service, service_file


def test_a_service_that_the_operator_refuses_is_degraded_by_its_message_and_stops_no_other(
    argo: Argo, staging: World, spec: Spec
) -> None:
    refused = service({**spec, "model": {"name": "no-such-model"}}, "bad")
    argo.repository.commit(
        {service_file("staging", "bad"): refused, service_file("staging"): service(labelled(spec))}
    )
    argo.settle()
    bad = argo.await_said("ocr-staging-bad", "UnknownModel: ")
    assert state(bad)[1] == "Degraded"
    assert "no-such-model" in said(bad)
    assert staging.kubectl.json("get", "ocrservice", NAME)["spec"] == labelled(spec)


def test_a_manifest_that_the_api_refuses_says_the_rules_words_and_a_commit_mends_it(
    argo: Argo, spec: Spec
) -> None:
    file = service_file("staging", "bad")
    stopped = {**spec, "suspend": True}
    argo.repository.commit({file: service({**stopped, "version": "newest"}, "bad")})
    argo.refresh()
    bad = argo.await_said("ocr-staging-bad", "write a version such as 0.1.0")
    assert state(bad)[0] != "Synced"
    argo.repository.commit({file: service(stopped, "bad")})
    argo.refresh()
    eventually(lambda: argo.states()["ocr-staging-bad"] == ("Synced", "Suspended"), "it is mended", 120)


@pytest.mark.long
def test_a_teams_project_refuses_all_but_ocrservices_in_its_namespace_and_what_it_refused_can_go(
    argo: Argo, node: Node
) -> None:
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "miner"},
        "spec": {
            "selector": {"matchLabels": {"app": "miner"}},
            "template": {
                "metadata": {"labels": {"app": "miner"}},
                "spec": {"containers": [{"name": "miner", "image": "localhost/miner:1"}]},
            },
        },
    }
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "king"}}
    elsewhere = service({"suspend": True}, "stowaway")
    elsewhere["metadata"]["namespace"] = "ocr-production"
    refused: dict[str, tuple[dict[str, Any], str]] = {
        "deployment": (deployment, "apps:Deployment is not permitted in project ocr-staging"),
        "role": (
            {**role, "rules": []},
            "rbac.authorization.k8s.io:ClusterRole is not permitted in project ocr-staging",
        ),
        "elsewhere": (elsewhere, "namespace ocr-production is not permitted in project 'ocr-staging'"),
    }
    files = {name: f"argocd/services/staging/{name}/it.yaml" for name in refused}
    argo.repository.commit({files[name]: manifest for name, (manifest, _) in refused.items()})
    argo.refresh()
    for name, (_, words) in refused.items():
        argo.await_said(f"ocr-staging-{name}", words)
    everything = node.kubectl().json("get", "ocrservices,deployments,clusterroles", "--all-namespaces")
    names = {found["metadata"]["name"] for found in everything["items"]}
    assert not names & {"stowaway", "miner", "king"}
    argo.repository.commit(dict.fromkeys(files.values()))
    argo.refresh()
    for name in refused:
        argo.await_gone(f"ocr-staging-{name}")


def test_an_application_that_is_written_wrong_is_named_by_the_root_and_stops_no_other(
    argo: Argo, staging: World, spec: Spec
) -> None:
    lost = argo.applications()["ocr-crds"]
    lost = {key: lost[key] for key in ("apiVersion", "kind", "spec")}
    nowhere = {**lost["spec"], "source": {**lost["spec"]["source"], "path": "nowhere"}}
    files = {
        "ocr-lost": {**lost, "metadata": {"name": "ocr-lost"}, "spec": nowhere},
        "ocr-strange": {
            **lost,
            "metadata": {"name": "ocr-strange"},
            "spec": {**nowhere, "project": "strange"},
        },
    }
    changed = service(labelled(spec))
    argo.repository.commit(
        {f"argocd/apps/templates/{name}.yaml": manifest for name, manifest in files.items()}
        | {service_file("staging"): changed}
    )
    argo.refresh()
    argo.await_said("ocr-lost", "nowhere: app path does not exist")
    argo.await_said("ocr-strange", "project strange which does not exist")
    root = argo.await_said("ocr-root", "ComparisonError: ")
    assert state(root)[1] == "Degraded"
    others = set(FIRST) - {"ocr-root"}
    eventually(
        lambda: staging.kubectl.json("get", "ocrservice", NAME)["spec"] == changed["spec"],
        "the service is as in Git",
    )
    eventually(lambda: {name: argo.states()[name] for name in others} == dict.fromkeys(others, GOOD), "good")
    argo.repository.commit(dict.fromkeys(f"argocd/apps/templates/{name}.yaml" for name in files))
    argo.settle(alone=True)


def test_services_run_on_while_the_repository_is_away_and_the_application_says_so(
    argo: Argo, staging: World
) -> None:
    before = staging.pods()
    with argo.repository.away():
        argo.refresh("hard")
        lost = argo.await_said("ocr-staging-invoices", "repository not found")
        assert state(lost)[0] == "Unknown"
        assert staging.read().text.strip() == TEXT
    argo.settle()
    assert staging.pods() == before
