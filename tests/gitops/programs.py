"""Argo CD's programs as processes in a node's network, on its loopback."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.cluster import tools
from tests.cluster.access import service_account
from tests.cluster.helm import helm
from tests.cluster.kubectl import Kubectl
from tests.cluster.node import Node
from tests.cluster.processes import start

REDIS = "127.0.0.1:6379"
REPO_SERVER = "127.0.0.1:8081"
API_SERVER = "127.0.0.1:8090"
END_SECONDS = 5.0


@dataclass(frozen=True)
class Program:
    """A program of Argo CD, or its Redis."""

    name: str
    flags: Sequence[str] = ()
    variables: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def running(node: Node, kubectl: Kubectl, folder: Path) -> Iterator[None]:
    """Redis, the servers and the controllers, with the rights of Argo CD's own accounts."""
    shared = {
        "PATH": f"{tools.argocd()}:{helm().parent}:{os.environ['PATH']}",
        "TMPDIR": str(folder),
        "ARGOCD_FAKE_IN_CLUSTER": "true",
        "ARGOCD_GPG_ENABLED": "false",
        "ARGOCD_CONTROLLER_REPLICAS": "1",
        **{f"ARGOCD_{kind}_DATA_PATH": str(folder) for kind in ("TLS", "SSH", "GPG")},
    }
    with ExitStack() as stack:
        controllers = [application_controller(kubectl), application_sets(kubectl)]
        for program in [redis(), repo_server(), *controllers, api_server(kubectl)]:
            variables = [f"{key}={value}" for key, value in {**shared, **program.variables}.items()]
            enter = [*node.in_network, "env", *variables]
            child = start(program.name, [program.name, *program.flags], folder, enter=enter)
            stack.callback(child.stop, END_SECONDS)
        yield


def redis() -> Program:
    """The cache."""
    return Program("redis-server", ["--bind", "127.0.0.1", "--save", ""])


def repo_server() -> Program:
    """Renders what is in Git; it asks Git anew each time, for a test does not wait three minutes."""
    flags = ["--address=127.0.0.1", f"--redis={REDIS}", "--disable-tls", "--revision-cache-expiration=1s"]
    return Program("argocd-repo-server", flags)


def application_controller(kubectl: Kubectl) -> Program:
    """Compares and syncs. In a cluster its manifest gives it the variable."""
    settings = kubectl.json("get", "configmap", "argocd-cmd-params-cm")["data"]
    variables = {
        "KUBECONFIG": str(service_account(kubectl, "argocd-application-controller")),
        "ARGOCD_APPLICATION_CONTROLLER_PERSIST_RESOURCE_HEALTH": settings[
            "controller.resource.health.persist"
        ],
    }
    flags = [
        "--namespace=argocd",
        f"--redis={REDIS}",
        f"--repo-server={REPO_SERVER}",
        "--repo-server-plaintext",
    ]
    return Program("argocd-application-controller", flags, variables)


def application_sets(kubectl: Kubectl) -> Program:
    """Makes an Application of each folder."""
    variables = {"KUBECONFIG": str(service_account(kubectl, "argocd-applicationset-controller"))}
    flags = [
        "--namespace=argocd",
        f"--argocd-repo-server={REPO_SERVER}",
        "--repo-server-plaintext",
        "--metrics-addr=127.0.0.1:8080",
        "--probe-addr=127.0.0.1:8083",
        "--webhook-addr=127.0.0.1:7000",
    ]
    return Program("argocd-applicationset-controller", flags, variables)


def api_server(kubectl: Kubectl) -> Program:
    """What the command line talks to; on the node's loopback it asks nobody who they are."""
    host, _, port = API_SERVER.partition(":")
    flags = [
        "--namespace=argocd",
        f"--address={host}",
        f"--port={port}",
        "--metrics-port=8091",
        "--insecure",
        "--disable-auth",
        f"--redis={REDIS}",
        f"--repo-server={REPO_SERVER}",
        "--repo-server-plaintext",
    ]
    variables = {"KUBECONFIG": str(service_account(kubectl, "argocd-server"))}
    return Program("argocd-server", flags, variables)
