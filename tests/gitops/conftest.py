"""One node with Argo CD for all tests here; each finds at work what the repository's first commit says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.cluster import images
from tests.cluster.node import Node
from tests.cluster.ociregistry import registry
from tests.e2e.platform import values
from tests.e2e.world import SPEC, World
from tests.gitops.argo import Argo, installation
from tests.gitops.programs import running
from tests.gitops.repository import Repository, Spec, service, service_file


@pytest.fixture(scope="session")
def spec() -> Spec:
    """A service of one pod each; the node has two cores."""
    one = {"replicas": 1}
    return {**SPEC, "modelServer": SPEC["modelServer"] | one, "gateway": SPEC["gateway"] | one}


@pytest.fixture(scope="session")
def bootstrapped(node: Node, spec: Spec, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Argo]:
    """Argo CD, installed by `bootstrap.sh`, and all that it brought."""
    for archive in images.build_images().values():
        node.import_image(archive)
    folder = tmp_path_factory.mktemp("gitops")
    repository = Repository(
        folder,
        {
            "argocd/operator-values.yaml": values(),
            service_file("staging"): service(spec),
            service_file("production"): service(spec),
        },
    )
    argo = Argo(node, repository, folder)
    with ExitStack() as stack:
        with argo.bootstrap("--install", str(installation(folder))):
            argo.make_secrets()
            stack.enter_context(running(node, argo.kubectl, folder))
        yield argo


@pytest.fixture
def argo(bootstrapped: Argo) -> Iterator[Argo]:
    """Argo CD with everything synced and healthy; what a test commits is taken back after it."""
    bootstrapped.settle(alone=True)
    yield bootstrapped
    bootstrapped.repository.restore()


@pytest.fixture
def staging(argo: Argo, node: Node) -> World:
    """The service `invoices` of the environment staging."""
    return World(node, node.kubectl("ocr-staging"))


@pytest.fixture
def production(argo: Argo, node: Node) -> World:
    """The same of production."""
    return World(node, node.kubectl("ocr-production"))


@pytest.fixture
def oci(node: Node, tmp_path: Path) -> Iterator[str]:
    """The address of a registry, as Argo CD and whoever is in the node's network reach it."""
    with registry(tmp_path, node.in_network) as address:
        yield address
