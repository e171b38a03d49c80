"""A part of a node's API that another program serves."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.cluster.node import Node

NAMESPACE = "kube-system"


@contextmanager
def aggregated(node: Node, name: str, group: str, version: str, at: tuple[str, int]) -> Iterator[None]:
    """The apiserver passes requests for the group on to that address and port."""
    kubectl = node.kubectl(NAMESPACE)
    api = f"{version}.{group}"
    try:
        kubectl.apply({"apiVersion": "v1", "kind": "List", "items": _objects(name, group, version, at)})
        kubectl.wait("condition=Available", f"apiservice/{api}")
        yield
    finally:
        # An API that nobody serves keeps namespaces from going.
        kubectl.run("delete", "apiservice", api, "--ignore-not-found")
        kubectl.run("delete", f"service/{name}", f"endpointslice/{name}", "--ignore-not-found")


def _objects(name: str, group: str, version: str, at: tuple[str, int]) -> list[dict[str, Any]]:
    address, port = at
    metadata = {"name": name, "namespace": NAMESPACE}
    ports = [{"name": "https", "port": port, "protocol": "TCP"}]
    return [
        {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": ports}},
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {**metadata, "labels": {"kubernetes.io/service-name": name}},
            "addressType": "IPv4",
            "endpoints": [{"addresses": [address], "conditions": {"ready": True}}],
            "ports": ports,
        },
        {
            "apiVersion": "apiregistration.k8s.io/v1",
            "kind": "APIService",
            "metadata": {"name": f"{version}.{group}"},
            "spec": {
                "group": group,
                "version": version,
                "service": {**metadata, "port": port},
                "insecureSkipTLSVerify": True,
                "groupPriorityMinimum": 100,
                "versionPriority": 100,
            },
        },
    ]
