"""`kubectl ocr` against the real apiserver and a real operator; tests/e2e reads documents by it."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from ocr_operator.models.manifest import DEPLOYMENT, OCR_PROFILE, OCR_SERVICE, POD
from tests.cluster.controlplane import ControlPlane
from tests.cluster.kubectl import Kubectl, client_environment
from tests.cluster.tools import kubernetes
from tests.component.test_operator_reconcile import settle
from tests.support.api import Api, eventually
from tests.support.process import Operator

PROGRAMS = Path(sys.executable).parent
RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"


@dataclass
class Ended:
    """How the command ended."""

    status: int
    out: str
    err: str


Ocr = Callable[..., Ended]


def kubectl_ocr(kubeconfig: Path, *arguments: str) -> Ended:
    """Run `kubectl ocr ARGUMENTS`, which kubectl finds on the PATH as it does for anybody."""
    variables = client_environment(kubeconfig)
    path = os.pathsep.join([str(kubernetes()), str(PROGRAMS), variables["PATH"]])
    done = subprocess.run(
        [kubernetes() / "kubectl", "ocr", *arguments],
        env={**variables, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def ocr(operated: ControlPlane, namespace: str) -> Ocr:
    """The command in the test's namespace."""

    def run(*arguments: str) -> Ended:
        return kubectl_ocr(operated.kubeconfig, *arguments, f"--namespace={namespace}")

    return run


def test_status_shows_pods_conditions_and_the_address(kube: Api, operator: Operator, ocr: Ocr) -> None:
    kube.create("invoices")
    settle(kube)
    ended = ocr("status", "invoices")
    assert (ended.status, ended.err) == (0, "")
    first, *_ = ended.out.splitlines()
    assert first.split() == ["OCRService/invoices", "Ready=True,", "Serving"]
    for deployment in ("invoices-gateway", "invoices-model-server"):
        assert f"Deployment/{deployment}" in ended.out
    assert ended.out.count("Running, ready") == 4
    assert f"URL      http://invoices-gateway.{kube.namespace}.svc" in ended.out
    assert "Version  0.1.0" in ended.out
    assert "RolloutHealthy" in ended.out


def test_status_names_the_profile_and_its_generation(kube: Api, operator: Operator, ocr: Ocr) -> None:
    kube.create("invoices", {"profileRef": {"name": "standard"}})
    eventually("refused", lambda: kube.condition("invoices", "Stalled").get("reason") == "ProfileNotFound")
    assert "Profile  standard, which is not there" in ocr("status", "invoices").out.splitlines()
    head = {"apiVersion": OCR_PROFILE.api_version, "kind": OCR_PROFILE.kind}
    kube.post(OCR_PROFILE, {**head, "metadata": {"name": "standard"}, "spec": {}})
    eventually("accepted", lambda: kube.condition("invoices", "SpecAccepted").get("status") == "True")
    assert "Profile  standard, generation 1" in ocr("status", "invoices").out.splitlines()


def test_a_pod_that_fails_is_shown_with_its_reason(kube: Api, operator: Operator, ocr: Ocr) -> None:
    kube.create("invoices")
    settle(kube)
    name = kube.pods("invoices")[0]["metadata"]["name"]
    waiting = {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image"}}
    container = {
        "name": "gateway",
        "image": "x",
        "imageID": "",
        "ready": False,
        "restartCount": 0,
        "state": waiting,
    }
    kube.patch(POD, name, {"status": {"containerStatuses": [container]}}, "/status")
    told = ocr("status", "invoices").out
    assert f"Pod/{name}" in told
    assert "gateway: ImagePullBackOff: Back-off pulling image" in told


def test_restart_marks_the_templates_and_the_operator_leaves_that_alone(
    kube: Api, operator: Operator, ocr: Ocr
) -> None:
    kube.create("invoices")
    settle(kube)
    before = kube.get(OCR_SERVICE, "invoices")
    assert ocr("restart", "invoices").out.splitlines() == [
        "deployment.apps/invoices-gateway restarted",
        "deployment.apps/invoices-model-server restarted",
    ]
    kube.patch(OCR_SERVICE, "invoices", {"spec": {"gateway": {"drainSeconds": 7}}})
    eventually("applied", lambda: kube.observed("invoices"))
    for component in ("gateway", "model-server"):
        live = kube.get(DEPLOYMENT, f"invoices-{component}")
        assert live is not None
        assert RESTARTED_AT in live["spec"]["template"]["metadata"]["annotations"]
    after = kube.get(OCR_SERVICE, "invoices")
    assert before is not None
    assert after is not None
    assert after["metadata"].get("annotations") == before["metadata"].get("annotations")
    assert operator.metric("ocr_operator_drift_corrections_total") == 0


def test_suspend_and_resume_set_the_field_as_the_user(kube: Api, operator: Operator, ocr: Ocr) -> None:
    kube.create("invoices")
    settle(kube)
    assert "patched" in ocr("suspend", "invoices").out
    eventually("suspended", lambda: kube.condition("invoices", "Ready").get("reason") == "Suspended")
    assert ocr("resume", "invoices").status == 0
    eventually("resumed", lambda: kube.condition("invoices", "Ready").get("reason") != "Suspended")
    service = kube.get(OCR_SERVICE, "invoices")
    assert service is not None
    assert service["spec"] == {"suspend": False}
    assert "kubectl-ocr" in {entry["manager"] for entry in service["metadata"]["managedFields"]}


def test_upgrade_sets_the_version_that_is_named(kube: Api, operator: Operator, ocr: Ocr) -> None:
    kube.create("invoices")
    settle(kube)
    assert ocr("upgrade", "invoices", "0.1.0").status == 0
    service = kube.get(OCR_SERVICE, "invoices")
    assert service is not None
    assert service["spec"] == {"version": "0.1.0"}


def test_upgrade_without_a_version_takes_the_one_that_is_available(
    operated: ControlPlane, kube: Api, ocr: Ocr
) -> None:
    kube.create("invoices")
    assert "no newer one" in ocr("upgrade", "invoices").out
    service = kube.get(OCR_SERVICE, "invoices")
    assert service is not None
    assert service["spec"] == {}


def test_a_version_that_is_none_is_refused_in_the_api_servers_words(kube: Api, ocr: Ocr) -> None:
    kube.create("invoices")
    ended = ocr("upgrade", "invoices", "newest")
    assert ended.status == 1
    assert "write a version such as 0.1.0" in ended.err


@pytest.mark.parametrize("command", ["promote", "rollback"])
def test_without_a_canary_there_is_nothing_to_decide(
    kube: Api, operator: Operator, ocr: Ocr, command: str
) -> None:
    kube.create("invoices")
    settle(kube)
    ended = ocr(command, "invoices")
    assert ended.status == 1
    assert "invoices tries no canary now" in ended.err


CANARY = {"strategy": "Canary", "canary": {"steps": [{"weight": 50, "pauseSeconds": 3600}]}}


@pytest.mark.parametrize(
    ("command", "ends"),
    [
        ("promote", lambda kube: slot(kube) == "model-server-b"),
        ("rollback", lambda kube: kube.condition("invoices", "Stalled").get("reason") == "RolledBack"),
    ],
)
def test_a_canary_ends_as_its_user_says(
    kube: Api, operator: Operator, ocr: Ocr, command: str, ends: Callable[[Api], bool]
) -> None:
    kube.create("invoices", {"rollout": CANARY})
    settle(kube)
    eventually("served", lambda: kube.status("invoices")["revisions"].get("served"))
    kube.patch(OCR_SERVICE, "invoices", {"spec": {"modelServer": {"runtime": {"mode": "latency"}}}})
    eventually("a canary", lambda: kube.status("invoices")["revisions"].get("candidate"))
    eventually("seen", lambda: kube.observed("invoices"))
    ended = ocr(command, "invoices")
    assert (ended.status, ended.out.split()[-1]) == (0, "annotated")

    def ended_so() -> bool:
        kube.run_pods()
        return ends(kube)

    eventually(command, ended_so, 60)
    assert "candidate" not in kube.status("invoices")["revisions"]


def test_what_is_said_of_a_profiles_canary_is_not_said_of_the_next_one(
    kube: Api, operator: Operator, ocr: Ocr
) -> None:
    def runtime(threads: int) -> dict[str, object]:
        return {"spec": {"modelServer": {"runtime": {"threads": threads}}, "rollout": CANARY}}

    def candidate() -> str | None:
        found = kube.status("invoices")["revisions"].get("candidate")
        return found and str(found["revision"])

    head = {"apiVersion": OCR_PROFILE.api_version, "kind": OCR_PROFILE.kind}
    kube.post(OCR_PROFILE, {**head, "metadata": {"name": "standard"}, **runtime(1)})
    kube.create("invoices", {"profileRef": {"name": "standard"}})
    settle(kube)
    eventually("served", lambda: kube.status("invoices")["revisions"].get("served"))
    kube.patch(OCR_PROFILE, "standard", runtime(2))
    eventually("a canary", candidate)
    assert ocr("rollback", "invoices").status == 0
    eventually("ended", lambda: kube.condition("invoices", "Stalled").get("reason") == "RolledBack")
    kube.patch(OCR_PROFILE, "standard", runtime(3))
    eventually("a canary", candidate)
    tried = candidate()
    for _ in range(3):
        kube.run_pods()
        eventually("looked at", lambda: candidate() == tried)
    assert kube.condition("invoices", "Stalled")["status"] == "False"


def slot(kube: Api) -> str:
    """The stable revision's Deployment."""
    return str(kube.status("invoices")["revisions"]["slot"])


def test_a_wrong_name_is_answered_with_the_right_ones(kube: Api, ocr: Ocr) -> None:
    ended = ocr("status", "invoice")
    assert (ended.status, ended.err) == (
        1,
        'kubectl ocr: there is no OCRService "invoice"; there is none in this namespace\n',
    )
    kube.create("invoices")
    kube.create("papers")
    assert 'no OCRService "invoice"; there is invoices, papers' in ocr("restart", "invoice").err


def test_who_may_not_is_told_verb_and_resource(operated: ControlPlane, kube: Api, namespace: str) -> None:
    kube.create("invoices")
    nobody = operated.user_kubeconfig("nobody")
    ended = kubectl_ocr(nobody, "suspend", "invoices", f"--namespace={namespace}")
    assert ended.status == 1
    assert 'User "nobody" cannot get resource "ocrservices"' in ended.err
    Kubectl(operated.kubeconfig, namespace).run(
        "create", "role", "reader", "--verb=get,list", "--resource=ocrservices.kubeocr.dev"
    )
    Kubectl(operated.kubeconfig, namespace).run(
        "create", "rolebinding", "reader", "--role=reader", "--user=nobody"
    )
    ended = kubectl_ocr(nobody, "suspend", "invoices", f"--namespace={namespace}")
    assert ended.status == 1
    assert 'User "nobody" cannot patch resource "ocrservices"' in ended.err


def test_kubectls_flags_are_handed_on(operated: ControlPlane, kube: Api, namespace: str) -> None:
    kube.create("invoices")
    flags = (f"--kubeconfig={operated.kubeconfig}", "-n", namespace)
    assert kubectl_ocr(operated.kubeconfig, "status", "invoices", *flags).status == 0
    ended = kubectl_ocr(operated.kubeconfig, "status", "invoices", *flags, "--context=nowhere")
    assert ended.status == 1
    assert 'context "nowhere" does not exist' in ended.err


def test_reading_from_a_service_without_gateways_says_why(kube: Api, operator: Operator, ocr: Ocr) -> None:
    kube.create("invoices", {"suspend": True})
    eventually("suspended", lambda: kube.condition("invoices", "Ready").get("reason") == "Suspended")
    ended = ocr("read", "invoices", "page.png")
    assert ended.status == 1
    assert "invoices has no gateway that runs: Suspended: spec.suspend is true" in ended.err
