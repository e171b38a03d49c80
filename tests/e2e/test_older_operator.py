"""From an older operator to this one and back, chart, CRD and image, while clients send pages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.dev import NAMESPACE, RELEASE
from tests.cluster.helm import Helm
from tests.e2e.older import TAG, NoOlder, Older, checkout
from tests.e2e.platform import Platform
from tests.e2e.world import NAME, World, eventually

BUDGET = f"poddisruptionbudget/{NAME}-gateway"


@pytest.fixture
def older(platform: Platform, tmp_path: Path) -> Iterator[Older]:
    """It runs; at the end it is this one again."""
    try:
        older = checkout(tmp_path)
    except NoOlder as error:
        pytest.skip(f"nothing to upgrade from: {error}")
    older.import_image(platform.node)
    try:
        platform.install(older.chart, image={"tag": TAG})
        yield older
    finally:
        platform.install()


def assert_works(world: World, replicas: int) -> None:
    """An operator looks after the service, and a stored object takes a change."""
    world.kubectl.run("delete", BUDGET)
    eventually(lambda: world.exists(BUDGET), "the operator works")
    world.kubectl.run("scale", f"ocrservice/{NAME}", f"--replicas={replicas}")
    eventually(lambda: len(world.pods("model-server")) == replicas, f"{replicas} model servers")
    world.settle()


@pytest.mark.timeout(900)
def test_an_upgrade_and_a_rollback_under_load_lose_no_request_and_restart_no_pod(
    older: Older, other: World, platform: Platform
) -> None:
    print(f"from {older.commit}")
    other.apply()
    other.settle()
    before = other.pods()
    with other.traffic(at_least=300) as traffic:
        platform.install()
        assert_works(other, 3)
        Helm(platform.node.kubeconfig, NAMESPACE).run("rollback", RELEASE, "--wait", "--timeout=120s")
        assert_works(other, 4)
    assert traffic.failures == []
    assert before.items() <= other.pods().items()
