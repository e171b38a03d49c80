"""What `kubectl ocr status` makes of what kubectl tells it."""

from typing import Any

import pytest

from kubectl_ocr.kubectl import Kubectl, KubectlError, flags
from kubectl_ocr.pods import state, troubles
from kubectl_ocr.status import table
from kubectl_ocr.tree import render, tree
from kubeocr.errors import from_answer

READY = [{"type": "Ready", "status": "True"}]
SERVICE = {
    "kind": "OCRService",
    "metadata": {"name": "invoices", "uid": "s"},
    "status": {"conditions": [{"type": "Ready", "status": "False", "reason": "OOMKilled", "message": "m"}]},
}


def owned(kind: str, name: str, owner: str, **parts: Any) -> dict[str, Any]:
    reference = {"uid": owner, "controller": True}
    return {
        "kind": kind,
        "metadata": {"name": name, "uid": name, "ownerReferences": [reference]},
        "spec": {},
        **parts,
    }


def pod(*containers: dict[str, Any], **status: Any) -> dict[str, Any]:
    return owned(
        "Pod", "invoices-gateway-1-a", "rs", status={"containerStatuses": list(containers), **status}
    )


def container(**state: Any) -> dict[str, Any]:
    return {"name": "gateway", "restartCount": 0, **state}


KILLED = container(
    restartCount=3,
    state={"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s"}},
    lastState={"terminated": {"exitCode": 137, "reason": "OOMKilled", "message": "last\nwords"}},
)
RUNNING = container(state={"running": {}})


def test_the_tree_shows_owners_health_causes_and_logs() -> None:
    failing = pod(KILLED)
    children = [
        owned("Deployment", "invoices-model-server", "s", spec={"replicas": 2}),
        owned("Deployment", "invoices-gateway", "s", spec={"replicas": 1}, status={"readyReplicas": 1}),
        owned("ReplicaSet", "rs-old", "invoices-gateway", spec={"replicas": 0}),
        owned("ReplicaSet", "rs", "invoices-gateway", spec={"replicas": 2}, status={"readyReplicas": 1}),
        failing,
        owned("Pod", "invoices-gateway-1-b", "rs", status={"phase": "Running", "conditions": READY}),
    ]
    (trouble,) = troubles(failing)
    logs = {trouble: ("MemoryError", "bye")}
    assert list(render(tree(SERVICE, children, logs))) == [
        "OCRService/invoices                  Ready=False, OOMKilled",
        "├─ Deployment/invoices-gateway       1/1 ready",
        "│  └─ ReplicaSet/rs                  1/2 ready",
        "│     ├─ Pod/invoices-gateway-1-a    OOMKilled (exit code 137), not ready, 3 restarts",
        "│     │    gateway: OOMKilled (exit code 137): last words",
        "│     │    > MemoryError",
        "│     │    > bye",
        "│     └─ Pod/invoices-gateway-1-b    Running, ready",
        "└─ Deployment/invoices-model-server  0/2 ready",
    ]


def test_a_service_that_nobody_has_seen_says_so() -> None:
    new = {"kind": "OCRService", "metadata": {"name": "new", "uid": "n"}}
    assert list(render(tree(new, [], {}))) == ["OCRService/new  the operator has not seen it yet"]


@pytest.mark.parametrize(
    ("seen", "says"),
    [
        (pod(RUNNING, phase="Running", conditions=READY), "Running, ready"),
        (pod(RUNNING, phase="Running"), "Running, not ready"),
        (
            pod(container(state={"waiting": {"reason": "ContainerCreating"}}), phase="Pending"),
            "Pending, not ready",
        ),
        (
            pod(container(state={"waiting": {"reason": "ErrImagePull"}}), phase="Pending"),
            "ErrImagePull, not ready",
        ),
        (pod(phase="Failed", reason="Evicted"), "Evicted, not ready"),
        (
            pod(
                phase="Pending",
                conditions=[
                    {
                        "type": "PodScheduled",
                        "status": "False",
                        "reason": "Unschedulable",
                        "message": "no cpu",
                    }
                ],
            ),
            "Unschedulable: no cpu, not ready",
        ),
        (
            pod(container(restartCount=1, state={"terminated": {"exitCode": 1}}), phase="Running"),
            "Error (exit code 1), not ready, 1 restart",
        ),
    ],
)
def test_a_pod_is_told_in_the_words_of_kubectl(seen: dict[str, Any], says: str) -> None:
    assert state(seen) == says


def test_a_pod_that_goes_is_going_and_nothing_fails_in_it() -> None:
    going = pod(KILLED)
    going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert list(troubles(going)) == []
    assert state(going).startswith("Terminating")


def test_only_what_has_run_has_a_log_and_what_waits_for_a_restart_had_it_before() -> None:
    (killed,) = troubles(pod(KILLED))
    assert (killed.ran, killed.restarted) == (True, True)
    (ended,) = troubles(pod(container(state={"terminated": {"exitCode": 2}})))
    assert (ended.ran, ended.restarted) == (True, False)
    (unpulled,) = troubles(pod(container(state={"waiting": {"reason": "ImagePullBackOff"}})))
    assert not unpulled.ran
    assert list(troubles(pod(container(state={"terminated": {"exitCode": 0}})))) == []


def test_a_table_has_columns_and_one_line_for_each_row() -> None:
    rows = [("TYPE", "MESSAGE"), ("Ready", "two\nlines"), ("Stalled", "")]
    assert list(table(rows)) == ["TYPE      MESSAGE", "Ready     two lines", "Stalled"]


def test_only_given_flags_are_handed_on() -> None:
    given = {"namespace": "papers", "context": None, "other": "x"}
    assert Kubectl(flags(given, ("context", "namespace"))).command("get") == [
        "kubectl",
        "--namespace=papers",
        "get",
    ]


def test_a_missing_kubectl_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(KubectlError, match="there is no kubectl on the PATH"):
        Kubectl().run("version")


def test_what_kubernetes_says_in_between_is_told_to_who_reads() -> None:
    said = b'{"code": 403, "message": "services is forbidden: User cannot create services/proxy"}'
    assert str(from_answer(403, said, None)) == (
        "403: services is forbidden: User cannot create services/proxy"
    )
