"""Whatever happens to a roll-out, in any order: nothing for pods that are not ready, no shrunk service."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ocr_operator.models.names import PROMOTE, ROLLBACK
from tests.unit.rollout_kit import World, settled, spec

MODES = ("throughput", "latency")
EVENTS = st.one_of(
    st.tuples(st.just("time"), st.sampled_from([1, 30, 60, 300, 700])),
    st.tuples(st.just("ready"), st.sampled_from(["model-server", "model-server-b"]), st.integers(0, 4)),
    st.tuples(st.just("follow"), st.integers(0, 1)),
    st.tuples(st.just("calls"), st.integers(0, 40), st.integers(0, 10)),
    st.tuples(st.just("edit"), st.sampled_from(MODES), st.integers(1, 6)),
    st.tuples(st.just("limit"), st.integers(1, 4)),
    st.tuples(st.just("suspend"), st.booleans()),
    st.tuples(st.just("strategy"), st.booleans()),
    st.tuples(st.just("say"), st.sampled_from([PROMOTE, ROLLBACK])),
)
STORIES = st.lists(EVENTS, max_size=30)


def happen(world: World, event: tuple[Any, ...]) -> None:
    """Something happens, then the operator looks."""
    _others(world, event)
    _user(world, event)
    before = copy.deepcopy(world)
    world.step()
    assert_safe(before, world)


def _others(world: World, event: tuple[Any, ...]) -> None:
    """What pods, gateways, clients and the clock do."""
    match event:
        case ("time", seconds):
            world.step(seconds)
        case ("ready", slot, number):
            if slot in world.deployments:
                world.deployments[slot].ready = number
        case ("follow", index):
            world.follow(index)
        case ("calls", ok, failed):
            world.calls(ok, failed)


def _user(world: World, event: tuple[Any, ...]) -> None:
    """What edits do to the spec, of which nothing was said yet."""
    match event:
        case ("say", annotation):
            world.say(annotation)
        case ("edit" | "limit" | "suspend" | "strategy", *_):
            world.annotations = {}
    match event:
        case ("edit", mode, replicas):
            world.spec = {**world.spec, "modelServer": spec(mode, replicas=replicas)["modelServer"]}
        case ("limit", pages):
            world.spec = {**world.spec, "gateway": {"limits": {"maxPages": pages}}}
        case ("suspend", suspend):
            world.spec = {**world.spec, "suspend": suspend}
        case ("strategy", canary):
            world.spec = {**world.spec, "rollout": spec()["rollout"] if canary else {}}


def assert_safe(before: World, after: World) -> None:
    """What must hold from one look to the next."""
    weights = after.revisions.weights
    assert sum(weights.values()) == 100
    candidate = after.revisions.candidate
    if candidate is not None:
        live = before.deployments.get(before.revisions.other)
        # Nothing for pods that are not ready.
        assert candidate.weight == 0 or (live is not None and min(live.ready, live.replicas) > 0)
        # The old revision has its template and all its pods while a new one is tried.
        stable = after.deployments[after.revisions.slot]
        assert stable.template == before.deployments[before.revisions.slot].template
        assert stable.replicas == after.plan.replicas("model-server")
        assert candidate.revision == after.wanted != after.revisions.stable
    if after.revisions.slot != before.revisions.slot:
        # It takes over with as many pods as the old one had, all of them ready.
        new = before.deployments[after.revisions.slot]
        assert new.ready >= new.replicas == after.plan.replicas("model-server") > 0
        assert after.deployments[after.revisions.slot] == new
    failed = after.revisions.failed
    if failed is not None:
        assert candidate is None
        assert failed.revision == after.wanted or after.spec.get("suspend")
    elif before.revisions.failed is not None:
        # It is forgotten only for another template or another way to try it.
        assert after.wanted != before.revisions.failed.revision or not after.spec["rollout"]


@settings(max_examples=80)
@given(STORIES)
def test_every_story_is_safe_at_every_look(story: Sequence[tuple[Any, ...]]) -> None:
    world = settled()
    for event in story:
        happen(world, event)


def quiet(world: World, *, failed: int) -> None:
    """From now on pods become ready, gateways follow, and calls come in, of which some fail."""
    world.spec = {**world.spec, "suspend": False}
    for _ in range(60):
        world.ready().follow().calls(20, failed).step(20)


@settings(max_examples=30)
@given(STORIES, st.booleans())
def test_every_story_ends_with_the_new_revision_or_with_the_old_one(
    story: Sequence[tuple[Any, ...]], bad: bool
) -> None:
    world = settled()
    for event in story:
        happen(world, event)
    quiet(world, failed=10 if bad else 0)
    revisions = world.revisions
    assert revisions.candidate is None
    assert list(revisions.weights) == [revisions.slot]
    assert world.deployments.keys() == {revisions.slot}
    assert revisions.stable == world.wanted or revisions.failed is not None
    assert not (revisions.stable == world.wanted and revisions.failed)


@settings(max_examples=30)
@given(STORIES)
def test_a_spec_that_goes_back_gives_the_old_state_back_at_once(story: Sequence[tuple[Any, ...]]) -> None:
    world = settled()
    for event in story:
        happen(world, event)
    quiet(world, failed=0)
    old_spec, old = world.spec, copy.deepcopy(world.deployments)
    if world.revisions.stable != world.wanted:
        return
    world.annotations = {}
    world.spec = {**old_spec, "gateway": {"limits": {"maxPages": 999}}, "rollout": spec()["rollout"]}
    for _ in range(4):
        world.ready().follow().step()
    assert world.revisions.candidate is not None
    world.spec = {**old_spec, "rollout": spec()["rollout"]}
    world.step()
    assert world.deployments == old
    assert list(world.revisions.weights.values()) == [100]
