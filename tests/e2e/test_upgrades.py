"""A newer operand version on the real node: who follows moves one by one, who does not restarts nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import yaml

from tests.cluster import images
from tests.cluster.dev import CHART
from tests.e2e.platform import Platform
from tests.e2e.world import NAME, SPEC, TEXT, World, eventually, restricted

NEW = "0.2.0"
ONE_POD_EACH = {part: {**SPEC[part], "replicas": 1} for part in ("modelServer", "gateway")}
# No pod more: the new revision's first one is refused, and the old one serves on.
QUOTA = ("quota", "no-more")


def newer(platform: Platform) -> dict[str, Any]:
    """The chart's operands with a version more: the same images by another tag."""
    tags = {program: images.reference(program, NEW) for program in ("gateway", "modelserver")}
    for program, tag in tags.items():
        platform.node.ctr("images", "tag", "--force", images.reference(program, images.version()), tag)
    (shipped,) = yaml.safe_load((CHART / "files/operands.yaml").read_text())["versions"]
    names = {"gateway": tags["gateway"], "modelServer": tags["modelserver"]}
    return {"default": NEW, "versions": [{**shipped, **names, "version": NEW}]}


@pytest.fixture
def followers(platform: Platform) -> Iterator[list[World]]:
    """Three services with upgradePolicy Auto, settled, in the order of their namespaces."""
    # Without the version that cannot run, which would be the newest.
    platform.install(operands={"versions": []})
    with ExitStack() as stack:
        worlds = [stack.enter_context(restricted(platform.node)) for _ in range(3)]
        for world in worlds:
            world.apply(**ONE_POD_EACH, upgradePolicy="Auto")
        for world in worlds:
            world.settle()
        yield sorted(worlds, key=lambda world: world.kubectl.namespace)


def version(world: World) -> str:
    """The operand version that runs."""
    return str(world.status()["version"]["operand"])


def told(world: World) -> str:
    """What the service is told of newer versions."""
    conditions = world.status()["conditions"]
    return str(next(each["message"] for each in conditions if each["type"] == "UpToDate"))


def test_with_a_newer_operator_followers_move_one_by_one_stop_at_a_failure_and_nobody_else_restarts(
    service: World, followers: list[World], platform: Platform
) -> None:
    first, second, third = followers
    held, before = service.pods(), {world.kubectl.namespace: world.pods() for world in followers}
    second.kubectl.run("create", *QUOTA, "--hard=pods=2")
    with platform.upgraded(**newer(platform)):
        eventually(lambda: version(second) == NEW, "the first has moved, and the second has set out", 180)
        first.settle()
        assert first.pods().keys().isdisjoint(before[first.kubectl.namespace])
        eventually(lambda: second.conditions()["Stalled"] == ("True", "FailedCreate"), "the second fails", 60)
        eventually(lambda: f"waiting for {second.kubectl.namespace}/{NAME}" in told(third), "the third waits")
        assert version(third) == "0.1.0"
        for world in (second, third):
            assert world.pods() == before[world.kubectl.namespace]
            assert world.read().text.strip() == TEXT
        second.kubectl.run("delete", *QUOTA)
        eventually(lambda: version(third) == NEW, "the second is mended, and the third has set out", 300)
        second.settle()
        third.settle()
        assert {version(world) for world in followers} == {NEW}
        # Who does not follow: no pod has gone or restarted, and the newer version is offered.
        assert service.pods() == held
        assert (version(service), service.status()["version"]["available"]) == ("0.1.0", NEW)
        assert NEW in service.kubectl.run("get", "ocrservice", NAME, "--output=wide")
    assert service.pods() == held
    # The operator that knows nothing of the newer version leaves it running.
    eventually(lambda: first.conditions()["SpecAccepted"] == ("False", "UnsupportedVersion"), "it says so")
    assert first.read().text.strip() == TEXT
