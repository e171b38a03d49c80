"""How the operator starts, and what it says when it can't."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster.controlplane import ControlPlane, free_ports
from tests.component.conftest import Start, install_crds
from tests.support.api import Api, eventually
from tests.support.faultproxy import FaultProxy, slow
from tests.support.process import OPERANDS, ROOT, Operator

SERVICES = ROOT / "crds/kubeocr.dev_ocrservices.yaml"
PROGRAM = Path(sys.executable).with_name("ocr-operator")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """`ocr-operator ARGUMENTS`, to its end."""
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ([], "COMMAND"),
        (["nonsense"], "nonsense"),
        (["run"], "--operands"),
        (["run", "--operands=/nowhere"], "/nowhere"),
        (["run", f"--operands={OPERANDS}", "--workers=0"], "from 1 to 64"),
        (["run", f"--operands={OPERANDS}", "--workers=many"], "'many'"),
        (["run", f"--operands={OPERANDS}", "--health-port=70000"], "from 1 to 65535"),
        (["run", f"--operands={OPERANDS}", "--namespace=No_Name"], "'No_Name'"),
        (["run", f"--operands={OPERANDS}", "--log-level=loud"], "loud"),
        (["run", f"--operands={OPERANDS}", "--kubeconfig=/nowhere"], "/nowhere"),
        (["run", f"--operands={ROOT / 'LICENSE'}"], "LICENSE"),
        (["run", f"--operands={OPERANDS}", "--unknown"], "--unknown"),
    ],
)
def test_a_wrong_argument_is_one_line_and_status_2(arguments: list[str], named: str) -> None:
    result = run(*arguments)
    assert result.returncode == 2
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert named in line


def test_without_a_cluster_it_says_so_and_ends() -> None:
    result = run("run", f"--operands={OPERANDS}")
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert "no --kubeconfig, and not in a pod" in json.loads(line)["message"]


@pytest.mark.parametrize("content", ["", "[", "kind: Config", "clusters: 7"])
def test_a_kubeconfig_that_is_none_is_one_line(tmp_path: Path, content: str) -> None:
    path = tmp_path / "config"
    path.write_text(content)
    result = run("run", f"--operands={OPERANDS}", f"--kubeconfig={path}")
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert str(path) in json.loads(line)["message"]


def test_a_port_that_is_taken_is_one_line(operated: ControlPlane, start: Start) -> None:
    first = start().ready()
    port = int(first.url.rpartition(":")[2])
    second = start(health_port=port)
    assert second.ended() == 1
    (line,) = second.said().splitlines()
    assert f"--health-port {port}" in json.loads(line)["message"]


def test_the_command_line_reconciles_and_ends_on_sigterm(operated: ControlPlane, kube: Api) -> None:
    (port,) = free_ports(1)
    options = [f"--kubeconfig={operated.kubeconfig}", f"--operands={OPERANDS}", f"--health-port={port}"]
    # A port for itself: it works on one namespace, as all operators of these tests do.
    command = [PROGRAM, "run", *options, f"--namespace={kube.namespace}", "--log-level=warning"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            kube.create("invoices")
            eventually("all children", lambda: len(kube.children("invoices")) == 10)
            process.terminate()
            assert process.wait(20) == 0
        finally:
            process.kill()
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_it_ends_in_order_before_its_watches_have_begun(proxy: FaultProxy, start: Start) -> None:
    # Only kopf asks for this, before it watches: that Kubernetes has it needs no question of ours.
    looks = proxy.inject(lambda call: call.path == "/apis/apps/v1", slow(60))
    operator = start().ready()
    eventually("kopf looks for the kinds", lambda: looks.hits > 0)
    assert operator.stop() == 0
    assert "critical" not in operator.said()


@pytest.fixture(scope="module")
def bare() -> Iterator[ControlPlane]:
    """A control plane without our CRDs."""
    with ControlPlane(controllers=False) as bare:
        yield bare


def operator_of(bare: ControlPlane, folder: Path, kubeconfig: Path | None = None) -> Operator:
    """An operator on a control plane, straight."""
    return Operator(kubeconfig or bare.kubeconfig, folder, "default")


def test_it_waits_for_the_crd_and_says_what_is_missing(bare: ControlPlane, tmp_path: Path) -> None:
    operator = operator_of(bare, tmp_path)
    try:
        eventually("it says so", lambda: operator.answers("/readyz") == 503)
        eventually("by name", lambda: "ocrservices.kubeocr.dev" in operator.get("/readyz").text)
        assert operator.answers("/healthz") == 200
        # An older CRD: it lacks a field that this operator writes.
        old = yaml.safe_load(SERVICES.read_text())
        schema = old["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
        del schema["status"]["properties"]["lastFailure"]
        del schema["spec"]["properties"]["gateway"]["properties"]["limits"]["properties"]["maxPages"]
        bare.kubectl.run("apply", "--server-side", "--filename=-", stdin=json.dumps(old))
        eventually("older", lambda: "older than this operator" in operator.get("/readyz").text)
        assert "spec.gateway.limits.maxPages, status.lastFailure" in operator.get("/readyz").text
        # The service's is new, and the profile's is not there.
        bare.kubectl.run("apply", "--server-side", "--force-conflicts", f"--filename={SERVICES}")
        eventually("by name", lambda: "ocrprofiles.kubeocr.dev is not installed" in said(operator))
        install_crds(bare)
        eventually("ready", lambda: operator.answers("/readyz") == 200)
        # Whoever puts an old one back meanwhile is told, too.
        bare.kubectl.run("apply", "--server-side", "--force-conflicts", "--filename=-", stdin=json.dumps(old))
        eventually("older again", lambda: "older than this operator" in said(operator))
        install_crds(bare)
        eventually("ready again", lambda: operator.answers("/readyz") == 200)
    finally:
        operator.kill()


def test_it_says_which_right_its_role_lacks(bare: ControlPlane, tmp_path: Path) -> None:
    install_crds(bare)
    operator = operator_of(bare, tmp_path, bare.user_kubeconfig("nobody", ["nobodies"]))
    try:
        eventually("it says so", lambda: "cannot list" in said(operator))
        assert '"ocrservices"' in said(operator)
        grant(bare, "nobody")
        eventually("ready", lambda: operator.answers("/readyz") == 200)
    finally:
        operator.kill()


def said(operator: Operator) -> str:
    """What /readyz says."""
    return operator.get("/readyz").text if operator.answers("/readyz") else ""


def grant(control_plane: ControlPlane, user: str) -> None:
    """Let the user read what the operator reads."""
    rule: dict[str, Any] = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]}
    meta = {"metadata": {"name": "reader"}}
    api = {"apiVersion": "rbac.authorization.k8s.io/v1"}
    control_plane.kubectl.apply({**api, "kind": "ClusterRole", **meta, "rules": [rule]})
    subject = {"kind": "User", "name": user, "apiGroup": "rbac.authorization.k8s.io"}
    role = {"kind": "ClusterRole", "name": "reader", "apiGroup": "rbac.authorization.k8s.io"}
    control_plane.kubectl.apply(
        {**api, "kind": "ClusterRoleBinding", **meta, "roleRef": role, "subjects": [subject]}
    )
