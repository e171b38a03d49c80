"""The node that the e2e tests stand on."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.cluster import __main__ as command_line
from tests.cluster import cgroups, scratch, tools
from tests.cluster.fixtures import new_namespace
from tests.cluster.kubectl import Kubectl
from tests.cluster.locks import BusyError
from tests.cluster.node import Node, down, up
from tests.cluster.processes import wait_for

LABELS = {"app": "probe"}
IMAGE = "localhost/probe:1"


def restricted_deployment() -> dict[str, object]:
    """Two pods that satisfy the Pod Security Standard `restricted`, with a read-only root and limits."""
    container = {
        "name": "probe",
        "image": IMAGE,
        "imagePullPolicy": "Never",
        "readinessProbe": {"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 1},
        "resources": {"limits": {"cpu": "100m", "memory": "32Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
    }
    security = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    template = {
        "metadata": {"labels": LABELS},
        "spec": {"securityContext": security, "containers": [container]},
    }
    spec = {"replicas": 2, "selector": {"matchLabels": LABELS}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "probe"}, "spec": spec}


def service(name: str, **spec: object) -> dict[str, object]:
    """A Service in front of the pods."""
    ports = [{"port": 80, "targetPort": 8080}]
    metadata = {"name": name}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata,
        "spec": {"selector": LABELS, "ports": ports, **spec},
    }


@pytest.fixture(scope="module")
def kubectl(node: Node, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubectl]:
    """A `restricted` namespace in which the two pods run behind a NodePort and a headless Service."""
    node.import_image(scratch.image(tools.probe(), IMAGE, tmp_path_factory.mktemp("image") / "probe.tar"))
    with new_namespace(node.kubectl()) as namespace:
        kubectl = node.kubectl(namespace)
        kubectl.run("label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted")
        kubectl.apply(restricted_deployment())
        kubectl.apply(service("outside", type="NodePort"))
        kubectl.apply(service("headless", clusterIP="None"))
        kubectl.run("rollout", "status", "deployment/probe", "--timeout=60s")
        yield kubectl


@pytest.fixture(scope="module")
def get(node: Node, kubectl: Kubectl) -> Callable[[str], str]:
    """Asks one of the two pods from this machine, through the NodePort; "" while it doesn't answer."""
    port = kubectl.json("get", "service", "outside")["spec"]["ports"][0]["nodePort"]

    def get(path: str) -> str:
        try:
            return httpx.get(f"http://{node.address}:{port}{path}", timeout=5, trust_env=False).text
        except httpx.TransportError:
            return ""

    return get


def test_a_node_port_answers_from_this_machine_for_every_pod(
    kubectl: Kubectl, get: Callable[[str], str]
) -> None:
    pods = {pod["metadata"]["name"] for pod in kubectl.json("get", "pods")["items"]}
    seen: set[str] = set()

    def all_answered() -> bool:
        seen.add(get("/").strip())
        return seen >= pods

    wait_for(f"{pods} answer", all_answered, 30)
    assert len(pods) == 2


def test_a_headless_service_resolves_to_all_pods(kubectl: Kubectl, get: Callable[[str], str]) -> None:
    addresses = sorted(pod["status"]["podIP"] for pod in kubectl.json("get", "pods")["items"])
    name = f"headless.{kubectl.namespace}.svc.cluster.local"
    wait_for("both are in the DNS", lambda: get(f"/lookup?name={name}").split() == addresses, 30)
    assert get("/lookup?name=headless").split() == addresses


def test_pods_reach_each_other_through_a_service(kubectl: Kubectl, get: Callable[[str], str]) -> None:
    pods = {pod["metadata"]["name"] for pod in kubectl.json("get", "pods")["items"]}
    wait_for(
        "the Service answers in the cluster", lambda: get("/fetch?url=http://outside/").strip() in pods, 30
    )


def test_logs_and_exec_reach_the_kubelet(kubectl: Kubectl) -> None:
    assert "listening" in kubectl.run("logs", "deployment/probe")
    assert kubectl.run("exec", "deployment/probe", "--", "/probe", "version") == "probe 1\n"


def remains(node: Node) -> list[str]:
    """What can be seen of a node on this machine."""
    places = [node.folder, Path("/run/netns", node.full_name), Path("/sys/class/net", f"ko-{node.name}")]
    mounts = Path("/proc/self/mounts").read_text().splitlines()
    return [
        *(str(place) for place in places if place.exists()),
        *(line for line in mounts if node.full_name in line or f"{node.folder}/" in line),
        *(str(group) for group in cgroups.MOUNT.glob(f"*/{node.full_name}")),
        *(f"process {pid}" for pid in cgroups.members(node.full_name)),
    ]


def is_running(pid: int) -> bool:
    """Whether the process is there, other than as an entry that its parent has not read yet."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_a_node_beside_another_dies_with_its_driver_and_down_leaves_nothing(node: Node) -> None:
    program = (
        "from tests.cluster.node import leashed\nwith leashed() as n: print(n.name, flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as driver:
        assert driver.stdout
        second = Node(driver.stdout.readline().strip())
        assert second.name != node.name
        assert second.address != node.address
        processes = cgroups.members(second.full_name)
        assert len(processes) >= 10  # seven programs; of CoreDNS its shim, sandbox and container
        with pytest.raises(BusyError, match="in use by another process"):
            up(second.name)
        driver.kill()
    wait_for("the API has died with it", lambda: not second.is_up(), 10)
    down(second.name)
    assert remains(second) == []
    assert [pid for pid in processes if is_running(pid)] == []
    down(second.name)
    assert node.is_up()


def test_a_bad_name_is_refused_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(["up", "--name", "Not/A/Name"]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "1 to 11 of a-z" in error
