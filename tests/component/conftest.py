"""The operator as a process against the real apiserver, with a fault proxy in between."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.controlplane import ControlPlane
from tests.support.api import Api
from tests.support.faultproxy import FaultProxy
from tests.support.process import ROOT, Operator

Start = Callable[..., Operator]


def install_crds(control_plane: ControlPlane) -> None:
    """Apply the project's CRDs and wait until they are served."""
    kubectl = control_plane.kubectl
    kubectl.run("apply", "--server-side", "--force-conflicts", f"--filename={ROOT / 'crds'}")
    kubectl.established("crd/ocrservices.kubeocr.dev", "crd/ocrprofiles.kubeocr.dev", seconds=30)


@pytest.fixture(scope="session")
def operated(control_plane: ControlPlane) -> ControlPlane:
    """The control plane with our CRDs."""
    install_crds(control_plane)
    return control_plane


@pytest.fixture
def proxy(operated: ControlPlane, tmp_path: Path) -> Iterator[FaultProxy]:
    """The way to the apiserver that a test can break."""
    with FaultProxy(operated.kubeconfig, tmp_path) as proxy:
        yield proxy


@pytest.fixture
def kube(proxy: FaultProxy, namespace: str) -> Iterator[Api]:
    """The test's own namespace."""
    api = Api(proxy.url, namespace)
    yield api
    api.close()


@pytest.fixture
def start(proxy: FaultProxy, namespace: str, tmp_path: Path) -> Iterator[Start]:
    """Start an operator for the test's namespace; all are ended, and their logs shown if the test fails."""
    operators: list[Operator] = []

    def start_one(**settings: Any) -> Operator:
        operators.append(Operator(proxy.kubeconfig, tmp_path, namespace, **settings))
        return operators[-1]

    yield start_one
    for operator in operators:
        operator.kill()
        print(operator.log, operator.said(), sep="\n")


@pytest.fixture
def operator(start: Start) -> Operator:
    """One operator at work."""
    return start().ready()
