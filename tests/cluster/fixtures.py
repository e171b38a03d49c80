"""pytest's fixtures over the tests' Kubernetes."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.cluster import metricsserver, tools
from tests.cluster.controlplane import ControlPlane
from tests.cluster.kubectl import Kubectl
from tests.cluster.node import Node, leashed


def pytest_collection_finish(session: pytest.Session) -> None:
    """Build the programs that the tests need before a test's time limit runs; the first time is long."""
    fixtures = {name for item in session.items for name in getattr(item, "fixturenames", ())}
    wanted = fixtures & {"control_plane", "node", "argo", "small_fleet"}
    if not wanted or session.config.option.collectonly:
        return
    with session.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        tools.kubernetes()
        if "node" in wanted:
            tools.coredns()
            tools.pause()
        if "argo" in wanted:
            tools.argocd()
        if "small_fleet" in wanted:
            tools.kwok()
        if "metrics_server" in fixtures:
            tools.metrics_server()


@pytest.fixture(scope="session")
def control_plane() -> Iterator[ControlPlane]:
    """One control plane (apiserver, etcd, controllers; no node) for the whole run."""
    with ControlPlane() as control_plane:
        yield control_plane


@pytest.fixture
def namespace(control_plane: ControlPlane) -> Iterator[str]:
    """The name of a new namespace of `control_plane`; its deletion starts when the test ends."""
    with new_namespace(control_plane.kubectl) as name:
        yield name


@pytest.fixture(scope="session")
def node() -> Iterator[Node]:
    """One whole node, of its own for this run."""
    with leashed() as node:
        yield node


@pytest.fixture(scope="module")
def metrics_server(node: Node, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The node's pods are measured."""
    with metricsserver.metrics_server(node, tmp_path_factory.mktemp("metrics-server")):
        yield


@contextmanager
def new_namespace(kubectl: Kubectl) -> Iterator[str]:
    """The name of a new namespace in which pods can start; its deletion starts at the end."""
    name = f"test-{secrets.token_hex(4)}"
    kubectl.run("create", "namespace", name)
    try:
        # Without it the apiserver refuses pods.
        Kubectl(kubectl.kubeconfig, name).wait("create", "serviceaccount/default", seconds=30)
        yield name
    finally:
        kubectl.run("delete", "namespace", name, "--wait=false", "--ignore-not-found")
