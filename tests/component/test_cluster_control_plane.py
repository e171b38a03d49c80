"""The control plane that the component tests stand on."""

from pathlib import Path

import pytest
import yaml

from tests.cluster.controlplane import ControlPlane
from tests.cluster.errors import ClusterError
from tests.cluster.kubectl import CommandError, Kubectl


def processes_of(folder: Path) -> list[str]:
    """The command lines of all processes that name the folder."""
    lines = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(file.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return [line for line in lines if str(folder) in line]


def test_it_serves_the_version_that_kubectl_has(control_plane: ControlPlane) -> None:
    version = control_plane.kubectl.json("version")
    assert version["serverVersion"]["gitVersion"] == version["clientVersion"]["gitVersion"]
    assert version["serverVersion"]["gitVersion"].startswith("v1.")


def test_a_second_one_beside_it_knows_nothing_of_the_first_and_leaves_nothing(
    control_plane: ControlPlane, namespace: str
) -> None:
    with ControlPlane(controllers=False) as second:
        assert len(processes_of(second.folder)) == 2
        with pytest.raises(CommandError, match="NotFound"):
            second.kubectl.run("get", "namespace", namespace)
    assert not second.folder.exists()
    assert processes_of(second.folder) == []
    control_plane.kubectl.run("get", "namespace", namespace)


def test_the_controllers_turn_a_deployment_into_pods_and_collect_them(
    control_plane: ControlPlane, namespace: str
) -> None:
    kubectl = Kubectl(control_plane.kubeconfig, namespace)
    kubectl.run("create", "deployment", "web", "--image=localhost/none:1", "--replicas=2")
    kubectl.wait("jsonpath={.status.unavailableReplicas}=2", "deployment/web", seconds=30)
    assert len(kubectl.json("get", "pods")["items"]) == 2
    kubectl.run("delete", "deployment", "web")
    kubectl.wait("delete", "pods", "--all", seconds=30)


def test_a_user_without_a_role_may_do_nothing_and_the_audit_log_tells(
    control_plane: ControlPlane, namespace: str
) -> None:
    kubectl = Kubectl(control_plane.user_kubeconfig("ada", ["readers"]), namespace)
    with pytest.raises(CommandError, match='User "ada" cannot list'):
        kubectl.run("get", "secrets")
    mine = [event for event in control_plane.audit_events() if event["user"].get("username") == "ada"]
    refused = [event for event in mine if event.get("objectRef", {}).get("resource") == "secrets"]
    assert [event["responseStatus"]["code"] for event in refused] == [403]
    assert refused[0]["objectRef"]["namespace"] == namespace


def test_a_service_account_gets_a_kubeconfig_of_its_own(control_plane: ControlPlane, namespace: str) -> None:
    kubectl = Kubectl(control_plane.service_account_kubeconfig(namespace, "default"))
    who = kubectl.json("auth", "whoami")
    assert who["status"]["userInfo"]["username"] == f"system:serviceaccount:{namespace}:default"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"current-context": "production"}, "production"),
        ({"clusters": [{"cluster": {"server": "https://203.0.113.7:6443"}}]}, "203.0.113.7"),
        ({"clusters": [{"cluster": {"server": "https://localhost.example:6443"}}]}, "localhost.example"),
        ({"clusters": None}, "not a kubeconfig"),
    ],
)
def test_kubectl_refuses_a_kubeconfig_that_is_not_ours(
    control_plane: ControlPlane, tmp_path: Path, change: dict[str, object], named: str
) -> None:
    content = yaml.safe_load(control_plane.kubeconfig.read_text()) | change
    path = tmp_path / "config"
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(ClusterError, match=named):
        Kubectl(path)
