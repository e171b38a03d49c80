"""Services with upgradePolicy Auto move to a newer version one at a time, and stop at one that fails."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocr_operator.desired.upgrades import Line, line, member
from ocr_operator.models.operands import Operands
from ocr_operator.models.service import OCRService
from tests.unit.samples import OPERANDS
from tests.unit.upgrade_kit import (
    AUTO,
    ROLLING,
    SCALED_TO_ZERO,
    SERVING,
    STALLED,
    STATES,
    UNREACHABLE,
    World,
    finish,
    key,
    service,
)

NEW = "0.2.0"
SUSPENDED = {**AUTO, "suspend": True}
NEXT_BUNDLE = Operands.model_validate(
    {
        **OPERANDS.dump(),
        "versions": [*OPERANDS.dump()["versions"], {**OPERANDS.dump()["versions"][0], "version": "0.3.0"}],
    }
)


def line_of(*services: OCRService) -> Line:
    return line(filter(None, (member(each, OPERANDS) for each in services)))


def test_the_first_by_namespace_and_name_moves_first() -> None:
    found = line_of(service("b/a"), service("a/z"), service("a/b"))
    assert found.waiting == (key("a/b"), key("a/z"), key("b/a"))
    assert found.next == key("a/b")


def test_a_service_that_does_not_follow_never_moves_and_holds_nobody_up() -> None:
    for spec in ({}, {"upgradePolicy": "Manual"}, {"version": NEW}):
        found = line_of(service("a", NEW, STALLED, spec), service("b", spec=spec), service("c"))
        assert found.waiting == (key("c"),)
        assert found.next == key("c")


@pytest.mark.parametrize("state", [ROLLING, STALLED, UNREACHABLE])
def test_while_one_that_runs_the_newest_version_is_not_well_nobody_moves(state: Any) -> None:
    found = line_of(service("a"), service("b", NEW, state))
    assert found.next is None
    assert found.blocker == key("b")
    assert found.stopped == (state != ROLLING)


def test_one_that_has_not_been_looked_at_since_its_spec_changed_holds_the_others_up() -> None:
    edited = service("a", NEW)
    edited = edited.model_copy(update={"metadata": edited.metadata.model_copy(update={"generation": 2})})
    assert line_of(edited, service("b")).blocker == key("a")


@pytest.mark.parametrize("state", [ROLLING, STALLED, UNREACHABLE, SCALED_TO_ZERO])
def test_one_that_is_not_ready_and_at_rest_keeps_its_version_and_holds_nobody_up(state: Any) -> None:
    found = line_of(service("a", state=state), service("b"))
    assert found == Line((key("b"),))


def test_one_that_runs_nothing_by_wish_holds_nobody_up() -> None:
    for idle in (service("a", NEW, SCALED_TO_ZERO), service("a", NEW, STALLED, SUSPENDED)):
        assert line_of(idle, service("b")).next == key("b")
    assert line_of(service("a", spec=SUSPENDED)).next is None


def test_one_whose_model_the_newer_version_lacks_stays() -> None:
    (old, new) = OPERANDS.dump()["versions"]
    operands = Operands.model_validate(
        {"default": "0.1.0", "versions": [old, {**new, "models": new["models"][:1]}]}
    )
    members = [
        member(service(name, spec={**AUTO, "model": {"name": model}}), operands)
        for name, model in (("a", "ppocrv4"), ("b", "balanced"))
    ]
    assert line(filter(None, members)).waiting == (key("b"),)


def test_one_on_its_way_to_a_version_that_is_no_more_the_newest_still_holds_the_others_up() -> None:
    services = [service("a", NEW, ROLLING, upgrading=True), service("b")]
    members = [member(each, NEXT_BUNDLE) for each in services]
    assert line(filter(None, members)).blocker == key("a")


def test_one_that_failed_on_a_version_that_is_no_more_the_newest_holds_nobody_up() -> None:
    members = [member(each, NEXT_BUNDLE) for each in (service("a", NEW, STALLED), service("b"))]
    assert line(filter(None, members)).next == key("b")


def test_who_runs_a_version_that_the_operator_has_lost_stays_and_holds_nobody_up() -> None:
    assert line_of(service("a", "0.9.0", STALLED), service("b")) == Line((key("b"),))


def test_of_two_that_hold_the_line_up_the_failed_one_is_named() -> None:
    found = line_of(service("a", NEW, ROLLING), service("b", NEW, STALLED), service("c"))
    assert (found.blocker, found.stopped) == (key("b"), True)


def test_all_move_in_order_each_woken_by_the_one_before() -> None:
    world = World([service(name) for name in ("b/b", "a/c", "b/a", "a/a")])
    world.work()
    assert world.moved == ["a/a", "a/c", "b/a", "b/b"]
    assert {each.status.version and each.status.version.operand for each in world.stored.values()} == {NEW}


def test_the_line_stops_at_a_broken_one_and_goes_on_when_it_is_mended() -> None:
    world = World([service(name) for name in "abc"])
    world.look_at_all()
    for name, arrives in (("a", SERVING), ("b", STALLED), ("c", SERVING), ("a", SERVING), ("c", SERVING)):
        finish(world.reconcile(key(name), arrives))
    assert world.moved == ["papers/a", "papers/b"]
    world.queue.clear()
    finish(world.reconcile(key("b"), SERVING))
    world.work()
    assert world.moved == ["papers/a", "papers/b", "papers/c"]


def test_nobody_moves_until_all_were_looked_at() -> None:
    world = World([service("a"), service("b", NEW, STALLED)])
    finish(world.reconcile(key("a")))
    finish(world.reconcile(key("a")))
    assert world.fleet.line is None
    assert world.moved == []
    finish(world.reconcile(key("b"), None))
    assert world.fleet.line == Line((key("a"),), key("b"), stopped=True)


def test_a_status_of_before_the_start_is_not_trusted() -> None:
    world = World([service("a"), service("b", NEW)])
    looking = world.reconcile(key("b"), STALLED)
    next(looking)
    finish(world.reconcile(key("a")))
    finish(world.reconcile(key("a")))
    assert world.moved == []
    finish(looking)
    assert world.fleet.line == Line((key("a"),), key("b"), stopped=True)


def test_a_service_that_is_gone_is_not_waited_for() -> None:
    world = World([service("a"), service("b", NEW, STALLED)])
    finish(world.reconcile(key("a")))
    world.fleet.forget(key("b"))
    assert world.fleet.line == Line((key("a"),))


def test_all_are_woken_when_the_line_stops_and_only_the_first_while_it_moves() -> None:
    world = World([service("a", NEW, ROLLING, upgrading=True), *(service(name) for name in "bcd")])
    world.look_at_all()
    world.queue.clear()
    finish(world.reconcile(key("a"), STALLED))
    assert list(world.queue) == [key(name) for name in "bcd"]
    world.queue.clear()
    finish(world.reconcile(key("a"), SERVING))
    assert set(world.queue) == {key(name) for name in "bcd"}
    world.queue.clear()
    finish(world.reconcile(key("b"), ROLLING))
    assert list(world.queue) == [key("c")]


def test_who_comes_before_the_mover_in_the_order_waits_for_it_as_well() -> None:
    world = World([service("a", state=ROLLING), service("b")])
    world.look_at_all()
    moving = world.reconcile(key("b"))
    next(moving)
    next(moving)
    finish(world.reconcile(key("a"), SERVING))
    finish(world.reconcile(key("a"), SERVING))
    assert world.moved == []
    finish(moving)
    world.work()
    assert world.moved == ["papers/b", "papers/a"]


def test_one_that_was_written_down_to_move_and_was_not_begun_still_holds_the_others_up() -> None:
    world = World([service("a"), service("b")])
    world.look_at_all()
    moving = world.reconcile(key("a"))
    while not world.moved:
        next(moving)
    world.start(OPERANDS)
    world.look_at_all()
    world.look_at_all()
    assert world.moved == ["papers/a"]


NAMES = st.sampled_from(["a", "b", "c"])
SPECS = st.sampled_from([AUTO, SUSPENDED, {}, {"version": "0.1.0"}])
VERSIONS = st.sampled_from(["0.1.0", NEW, "0.3.0"])
SERVICES = st.lists(
    st.builds(service, NAMES, VERSIONS, st.sampled_from(STATES), SPECS, upgrading=st.booleans()),
    unique_by=lambda each: each.key,
)
STORY = st.lists(
    st.one_of(
        # A reconcile begins, or one that is under way goes on to where it next talks to the API.
        st.tuples(st.just("begin"), NAMES, st.sampled_from(STATES) | st.none()),
        st.tuples(st.just("go on"), NAMES, st.integers(1, 3)),
        st.tuples(st.just("edit"), NAMES, SPECS),
        st.tuples(st.just("restart"), st.sampled_from([OPERANDS, NEXT_BUNDLE])),
    ),
    max_size=60,
)


@settings(max_examples=500)
@given(SERVICES, STORY)
def test_whatever_happens_no_two_move_together(services: list[OCRService], story: list[Any]) -> None:
    """World checks at each move that nobody else is on the way."""
    world = World(services)
    world.look_at_all()
    running: dict[str, Iterator[None]] = {}
    for what, *details in story:
        name = details[0]
        match what:
            case "restart":
                running.clear()
                world.start(details[0])
                world.look_at_all()
            case _ if key(name) not in world.stored:
                continue
            case "begin" if name not in running:
                running[name] = world.reconcile(key(name), details[1])
                next(running[name])
            case "go on" if name in running:
                if any(next(running[name], "over") == "over" for _ in range(details[1])):
                    del running[name]
            case "edit":
                world.edit(key(name), details[1])


@given(SERVICES)
def test_who_is_well_and_follows_ends_with_the_newest_version(services: list[OCRService]) -> None:
    following = {
        each.key
        for each in services
        if each.spec.upgrade_policy == "Auto" and not each.spec.suspend and each.status.version
    }
    world = World(services, NEXT_BUNDLE)
    world.work()
    for each in following:
        version = world.stored[each].status.version
        assert version is not None
        assert version.operand == "0.3.0"
