"""Nodes that KWOK plays: the scheduler binds pods to them and they run, with nothing behind them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from tests.cluster import tools
from tests.cluster.controlplane import END_SECONDS, START_SECONDS, ControlPlane
from tests.cluster.processes import Child, start, wait_for

PODS_PER_NODE = 250
# From bound to Ready, in milliseconds: at least, and at most.
START_MILLISECONDS = (300, 800)
# Of a node; enough for as many pods of any kind.
ROOM = {"cpu": "1k", "memory": "4Ti", "pods": str(PODS_PER_NODE)}
LEASE_SECONDS = 40

_READY = '.status.conditions.[] | select( .type == "Ready" ) | .status'
_NODE = """\
conditions:
{{ range NodeConditions }}
- {type: {{ .type }}, status: {{ .status | Quote }}, reason: {{ .reason }}, message: {{ .message | Quote }}}
{{ end }}
"""
_POD = """\
{{ $now := Now | Quote }}
phase: Running
startTime: {{ $now }}
podIP: {{ PodIPWith .spec.nodeName false .metadata.uid .metadata.name .metadata.namespace }}
conditions:
{{ range $type := list "Initialized" "ContainersReady" "Ready" }}
- {type: {{ $type }}, status: "True", lastTransitionTime: {{ $now }}}
{{ end }}
containerStatuses:
{{ range .spec.containers }}
- name: {{ .name }}
  image: {{ .image | Quote }}
  ready: true
  started: true
  restartCount: 0
  state: {running: {startedAt: {{ $now }}}}
{{ end }}
"""


@contextmanager
def fake_nodes(control_plane: ControlPlane, count: int) -> Iterator[Child]:
    """KWOK with so many Ready nodes; their pods are Ready within a second, and gone at once when deleted."""
    folder, kubectl = control_plane.folder, control_plane.kubectl
    stages = folder / "stages.yaml"
    stages.write_text("---\n".join(json.dumps(stage) + "\n" for stage in _stages()))
    child = start("kwok", _command(control_plane.kubeconfig, stages), folder)

    def ready() -> bool:
        nodes = kubectl.json("get", "nodes")["items"]
        conditions = [each for node in nodes for each in node["status"].get("conditions", ())]
        return sum((each["type"], each["status"]) == ("Ready", "True") for each in conditions) == count

    try:
        kubectl.apply(yaml.safe_dump_all(map(_node, range(count))))
        wait_for("the nodes are ready", ready, START_SECONDS, [child])
        yield child
    finally:
        child.stop(END_SECONDS)


def _command(kubeconfig: Path, stages: Path) -> list[str]:
    return [
        str(tools.kwok()),
        f"--kubeconfig={kubeconfig}",
        f"--config={stages}",
        "--manage-all-nodes=true",
        f"--node-lease-duration-seconds={LEASE_SECONDS}",
        "--cidr=10.64.0.0/12",
    ]


def _node(number: int) -> dict[str, Any]:
    name = f"node-{number}"
    labels = {"kubernetes.io/hostname": name, "topology.kubernetes.io/zone": f"zone-{number % 3}"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "status": {"allocatable": ROOM, "capacity": ROOM},
    }


def _stages() -> Iterator[dict[str, Any]]:
    """What happens to nodes and pods, and when: https://kwok.sigs.k8s.io/docs/user/stages-configuration/."""
    least, most = START_MILLISECONDS
    yield _stage("node-ready", "Node", [_unless(_READY, "True")], {"statusTemplate": _NODE})
    alive = {"key": ".metadata.deletionTimestamp", "operator": "DoesNotExist"}
    yield _stage(
        "pod-ready",
        "Pod",
        [alive, _unless(_READY, "True")],
        {"statusTemplate": _POD},
        {"durationMilliseconds": least, "jitterDurationMilliseconds": most},
    )
    yield _stage("pod-gone", "Pod", [{**alive, "operator": "Exists"}], {"delete": True})


def _unless(key: str, value: str) -> dict[str, Any]:
    return {"key": key, "operator": "NotIn", "values": [value]}


def _stage(
    name: str,
    kind: str,
    where: list[dict[str, Any]],
    effect: dict[str, Any],
    delay: dict[str, int] | None = None,
) -> dict[str, Any]:
    return {
        "apiVersion": "kwok.x-k8s.io/v1alpha1",
        "kind": "Stage",
        "metadata": {"name": name},
        "spec": {
            "resourceRef": {"apiGroup": "v1", "kind": kind},
            "selector": {"matchExpressions": where},
            **({"delay": delay} if delay else {}),
            "next": effect,
        },
    }
