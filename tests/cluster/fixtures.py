"""pytest's fixtures over the tests' Kubernetes."""

import secrets
from collections.abc import Iterator

import pytest

from tests.cluster.controlplane import ControlPlane
from tests.cluster.kubectl import Kubectl


@pytest.fixture(scope="session")
def control_plane() -> Iterator[ControlPlane]:
    """One control plane (apiserver, etcd, controllers; no node) for the whole run."""
    with ControlPlane() as control_plane:
        yield control_plane


@pytest.fixture
def namespace(control_plane: ControlPlane) -> Iterator[str]:
    """The name of a new namespace of `control_plane`; its deletion starts when the test ends."""
    name = f"test-{secrets.token_hex(4)}"
    control_plane.kubectl.run("create", "namespace", name)
    # Without it the apiserver refuses pods.
    Kubectl(control_plane.kubeconfig, name).wait("create", "serviceaccount/default", seconds=30)
    yield name
    control_plane.kubectl.run("delete", "namespace", name, "--wait=false")
