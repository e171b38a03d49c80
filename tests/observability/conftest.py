"""A node with monitoring and the operator, an OCRService under real traffic, and the chart's rules."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import images, tools
from tests.cluster.node import Node
from tests.e2e.platform import Platform
from tests.e2e.world import World, restricted
from tests.observability import monitoring, overview
from tests.observability.causes import GOOD_KEY, SPARE_SPEC, Stage, taken_up, write_keys
from tests.observability.faults import tried
from tests.observability.monitoring import INTERVAL, Monitoring
from tests.observability.rules import impatient
from tests.observability.traffic import SPEC, drive


def pytest_collection_finish(session: pytest.Session) -> None:
    """Build and install before a test's time limit runs."""
    if session.items and not session.config.option.collectonly:
        tools.prometheus_operator()
        tools.prometheus()


@pytest.fixture(scope="session")
def observer(node: Node, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Monitoring]:
    """Monitoring, before there is anything to monitor."""
    with monitoring.monitoring(node, tmp_path_factory.mktemp("monitoring")) as observer:
        yield observer


@pytest.fixture(scope="session")
def platform(observer: Monitoring) -> Platform:
    """The operator, installed by Helm with all that the chart has for monitoring."""
    for archive in images.build_images().values():
        observer.node.import_image(archive)
    platform = Platform(observer.node)
    enabled = {"enabled": True}
    platform.install(
        serviceMonitor={**enabled, "interval": INTERVAL}, prometheusRule=enabled, dashboards=enabled
    )
    return platform


@pytest.fixture(scope="session")
def service(platform: Platform) -> Iterator[World]:
    """An OCRService, settled."""
    with restricted(platform.node) as world:
        world.apply(**SPEC)
        world.settle()
        yield world


@pytest.fixture(scope="session")
def rules(observer: Monitoring, platform: Platform) -> None:
    """The chart's rules, and their alerts as they fire soon."""
    observer.apply_rules("impatient", impatient(set(tried())))


@pytest.fixture(scope="session")
def stage(observer: Monitoring, platform: Platform, service: World) -> Iterator[Stage]:
    """Where faults are caused."""
    with restricted(platform.node) as spare:
        write_keys(spare, GOOD_KEY)
        spare.apply(**SPARE_SPEC)
        taken_up(spare)
        yield Stage(observer, platform, service, spare)


@pytest.fixture(scope="session")
def busy(observer: Monitoring, service: World, rules: None, request: pytest.FixtureRequest) -> World:
    """The service after work, refusals, overload and the loss of a model server."""
    drive(service, observer)
    if picture := request.config.getoption("--overview"):
        Path(picture).write_text(overview.of(observer, service.kubectl.namespace))
    return service
