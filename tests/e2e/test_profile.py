"""A profile on a real node: taken, changed while pages are read, deleted and made again."""

from __future__ import annotations

from typing import Any

from tests.e2e.world import NAME, SPEC, TEXT, World, eventually

SERVICE_ALONE = {"profileRef": {"name": "standard"}, "expose": SPEC["expose"]}


def share(world: World, **changes: Any) -> None:
    """Apply the profile: small pods, and what is changed."""
    shared = {"modelServer": SPEC["modelServer"], "gateway": {**SPEC["gateway"], **changes}}
    head = {"apiVersion": "kubeocr.dev/v1alpha1", "kind": "OCRProfile", "metadata": {"name": "standard"}}
    world.kubectl.apply({**head, "spec": shared})


def test_a_profile_is_taken_and_rolled_out_without_a_lost_page_and_its_end_stops_nothing(
    other: World,
) -> None:
    share(other)
    head = {"apiVersion": "kubeocr.dev/v1alpha1", "kind": "OCRService", "metadata": {"name": NAME}}
    other.kubectl.apply({**head, "spec": SERVICE_ALONE})
    other.settle()
    assert other.read().text.strip() == TEXT
    before = other.pods("gateway")
    with other.traffic(at_least=20) as traffic:
        share(other, limits={"maxPages": 9})
        eventually(lambda: other.status()["profile"]["generation"] == 2, "the profile was seen")
        other.settle()
    assert traffic.failures == []
    assert not before.keys() & other.pods("gateway").keys()
    pods = other.pods()
    other.kubectl.run("delete", "ocrprofile", "standard")
    eventually(lambda: other.conditions()["SpecAccepted"] == ("False", "ProfileNotFound"), "it is refused")
    assert other.conditions()["Ready"] == ("True", "ServingPreviousRevision")
    assert other.read().text.strip() == TEXT
    share(other, limits={"maxPages": 9})
    other.settle()
    assert other.pods() == pods
