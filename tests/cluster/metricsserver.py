"""metrics-server beside a node: the API of the pods' CPU and memory, which an autoscaler asks."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cluster import tools
from tests.cluster.apiservice import aggregated
from tests.cluster.controlplane import END_SECONDS, START_SECONDS
from tests.cluster.kubectl import CommandError
from tests.cluster.node import Node
from tests.cluster.processes import start, wait_for

PORT = 4443


@contextmanager
def metrics_server(node: Node, folder: Path) -> Iterator[None]:
    """The program runs in the node's network and knows of its pods."""
    child = start("metrics-server", _command(node, folder), folder, enter=node.in_network)

    def measured() -> bool:
        try:
            pods = json.loads(node.kubectl().run("get", "--raw=/apis/metrics.k8s.io/v1beta1/pods"))
        except CommandError:
            return False
        return bool(pods["items"])

    try:
        with aggregated(node, "metrics-server", "metrics.k8s.io", "v1beta1", (node.address, PORT)):
            wait_for("pods are measured", measured, START_SECONDS, [child])
            yield
    finally:
        child.stop(END_SECONDS)


def _command(node: Node, folder: Path) -> list[str]:
    names = ("kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig")
    return [
        str(tools.metrics_server()),
        *(f"--{name}={node.kubeconfig}" for name in names),
        f"--bind-address={node.address}",
        f"--secure-port={PORT}",
        f"--cert-dir={folder}",
        f"--kubelet-certificate-authority={node.kubeconfig.with_name('ca.crt')}",
        "--kubelet-preferred-address-types=InternalIP",
        "--metric-resolution=10s",
        "--kubelet-request-timeout=5s",
    ]
