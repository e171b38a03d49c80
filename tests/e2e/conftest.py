"""One node with the operator for all e2e tests, and one OCRService that each test finds settled."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cluster import images
from tests.cluster.node import Node
from tests.e2e.platform import Platform
from tests.e2e.world import World, restricted


@pytest.fixture(scope="session")
def platform(node: Node) -> Platform:
    """The operator, installed by Helm from the project's images."""
    for archive in images.build_images().values():
        node.import_image(archive)
    platform = Platform(node)
    platform.install()
    return platform


@pytest.fixture(scope="session")
def world(platform: Platform) -> Iterator[World]:
    """The namespace of the OCRService that most tests share."""
    with restricted(platform.node) as world:
        yield world


@pytest.fixture
def other(platform: Platform) -> Iterator[World]:
    """Another one, for one test."""
    with restricted(platform.node) as world:
        yield world


@pytest.fixture
def service(world: World) -> World:
    """The OCRService as `World.apply` makes it, settled."""
    world.apply()
    world.settle()
    return world
