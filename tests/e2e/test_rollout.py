"""Canaries on a real node, under load: one that takes over, and one that is too slow and is taken back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from tests.e2e.platform import Platform
from tests.e2e.world import NAME, SPEC, TEXT, World, eventually, restricted

SECONDS = 300
SERVER = SPEC["modelServer"]


def rollout(**analysis: Any) -> dict[str, Any]:
    """Half of the requests for a moment, then all."""
    tried = {"steps": [{"weight": 50, "pauseSeconds": 5}], "analysis": {"minSamples": 20, **analysis}}
    return {"strategy": "Canary", "canary": tried, "progressDeadlineSeconds": SECONDS}


@pytest.fixture(scope="module")
def canary(platform: Platform) -> Iterator[World]:
    """A service that tries new revisions before they take over."""
    with restricted(platform.node) as world:
        world.apply(rollout=rollout())
        world.settle()
        yield world


def revisions(world: World) -> dict[str, Any]:
    """Where the roll-out stands."""
    return dict(world.status().get("revisions", {}))


def stable(world: World) -> str:
    """The component label of the stable revision's pods."""
    return str(revisions(world)["slot"])


def followed(world: World) -> tuple[str, float] | None:
    """The candidate's component label, and how many seconds the gateways took to follow; once they do."""
    seen = revisions(world)
    if "followed" not in seen.get("candidate", {}):
        return None
    took = datetime.fromisoformat(seen["candidate"]["followed"]) - datetime.fromisoformat(seen["split"])
    return ({"model-server", "model-server-b"} - {seen["slot"]}).pop(), took.total_seconds()


def test_a_good_revision_takes_over_under_load_without_a_failed_request_or_a_new_pod(canary: World) -> None:
    gateways, old = canary.pods("gateway"), stable(canary)
    with canary.traffic(at_least=100) as traffic:
        canary.apply(rollout=rollout(), modelServer={**SERVER, "env": [{"name": "TRY", "value": "1"}]})
        new, took = eventually(lambda: followed(canary), "the gateways follow", SECONDS)
        print(f"the gateways followed within {took:.0f} s")
        tried = canary.pods(new)
        eventually(lambda: stable(canary) == new, "it takes over", SECONDS)
        canary.settle(SECONDS)
        eventually(lambda: not canary.pods(old), "the old pods go")
    assert traffic.failures == []
    now = canary.pods(new)
    assert tried.items() <= now.items()
    assert len(now) == 2
    assert canary.pods("gateway") == gateways
    assert canary.conditions()["Ready"] == ("True", "Serving")


def test_a_slow_revision_is_taken_back_under_load_without_a_failed_request(canary: World) -> None:
    limited = {"requests": SERVER["resources"]["requests"], "limits": {"memory": "1Gi", "cpu": "200m"}}
    slow = {**SERVER, "resources": limited, "runtime": {"warmup": False}, "startupTimeoutSeconds": 300}
    before = canary.pods(stable(canary))
    with canary.traffic(at_least=100) as traffic:
        canary.apply(rollout=rollout(maxP99Ms=400), modelServer=slow)
        new, took = eventually(lambda: followed(canary), "the gateways follow", SECONDS)
        print(f"the gateways followed within {took:.0f} s")
        eventually(lambda: canary.conditions()["Stalled"] == ("True", "AnalysisFailed"), "it fails", SECONDS)
        eventually(lambda: not canary.pods(new), "its pods go")
    assert traffic.failures == []
    print(revisions(canary)["failed"]["message"])
    assert "p99 is" in revisions(canary)["failed"]["message"]
    assert canary.conditions()["Ready"] == ("True", "ServingPreviousRevision")
    assert canary.conditions()["RolloutHealthy"] == ("False", "AnalysisFailed")
    assert canary.pods(stable(canary)) == before
    assert canary.read().text.strip() == TEXT


def test_a_spec_that_goes_back_is_well_at_once_and_the_service_leaves_nothing(canary: World) -> None:
    before = canary.pods(stable(canary))
    canary.apply(rollout=rollout(), modelServer={**SERVER, "env": [{"name": "TRY", "value": "1"}]})
    canary.settle()
    assert canary.pods(stable(canary)) == before
    canary.kubectl.run("delete", "ocrservice", NAME)
    eventually(lambda: canary.objects() == [], "all children are gone")
    eventually(lambda: not canary.exists("configmap", "kubeocr-traffic"), "the split is gone")
