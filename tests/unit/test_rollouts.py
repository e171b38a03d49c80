"""How a new revision of the model servers takes over, step by step, and how it is taken back."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ocr_operator.models.names import PROMOTE, ROLLBACK
from tests.unit.rollout_kit import ANALYSIS, CANARY, STEPS, World, settled, spec


def failed(world: World) -> tuple[str, str]:
    """Why the revision was taken back."""
    assert world.revisions.failed is not None
    return world.revisions.failed.reason, world.revisions.failed.message


def test_the_first_roll_out_is_no_canary() -> None:
    world = World(spec()).step()
    assert world.revisions.candidate is None
    assert world.deployments.keys() == {"model-server"}
    assert not world.revisions.served
    assert world.ready().step().revisions.served


def test_a_revision_that_has_never_served_is_replaced_at_once() -> None:
    world = World(spec()).step().step()
    world.spec = spec("latency")
    world.step()
    assert world.deployments.keys() == {"model-server"}
    assert world.revisions.stable == world.wanted


def test_without_the_strategy_a_new_template_rolls_in_its_deployment() -> None:
    world = settled(rollout={})
    world.spec = spec("latency", rollout={})
    world.step()
    assert world.deployments.keys() == {"model-server"}
    assert world.revisions.stable == world.wanted
    assert not world.revisions.served


def test_a_good_revision_takes_over_without_new_pods() -> None:
    world = settled()
    old = copy.deepcopy(world.deployments["model-server"])
    world.tried()
    candidate = world.deployments["model-server-b"]
    assert candidate.replicas == 1
    assert world.deployments["model-server"] == old
    world.calls(ok=20).step(60).step().step()
    assert (world.weight, candidate.replicas) == (10, 2)
    world.ready().step()
    assert world.weight == 50
    world.follow().step().calls(ok=20).step(60).step().step()
    assert candidate.replicas == 4
    assert world.deployments["model-server"] == old
    world.ready().step()
    assert world.revisions.slot == "model-server-b"
    assert world.revisions.stable == world.wanted
    assert world.revisions.weights == {"model-server-b": 100}
    assert world.deployments == {"model-server-b": candidate}
    # The next one goes to the slot that is free now.
    world.tried("throughput")
    assert world.deployments.keys() == {"model-server", "model-server-b"}
    assert world.revisions.slot == "model-server-b"


def test_no_request_goes_to_a_revision_before_its_pods_are_ready() -> None:
    world = settled()
    world.spec = spec("latency")
    for _ in range(5):
        assert world.step().weight == 0
    assert world.ready().step().weight == 10


def test_a_revision_that_loses_its_pods_loses_its_weight_until_they_are_back() -> None:
    world = settled().tried()
    world.deployments["model-server-b"].ready = 0
    assert world.step().weight == 0
    assert world.step().weight == 0
    assert world.ready().step().weight == 10


def test_a_step_begins_when_all_gateways_follow() -> None:
    world = settled()
    world.spec = spec("latency")
    world.step().step().ready().step().follow(0).calls(ok=50)
    for _ in range(30):
        world.step()
    candidate = world.revisions.candidate
    assert candidate is not None
    assert (candidate.step, candidate.weight, candidate.followed) == (1, 10, None)
    since = world.follow().now
    world.step(59).calls(ok=20).step(1)
    assert world.revisions.candidate is not None
    assert world.revisions.candidate.followed == since.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert world.revisions.candidate.step == 1
    assert world.step().revisions.candidate.step == 2  # type: ignore[union-attr]


def test_what_is_counted_under_another_split_says_nothing() -> None:
    world = settled().tried().calls(ok=20).step(60).step().ready().step()
    assert world.weight == 50
    world.calls(ok=0, failed=1000).step(60).step()
    assert world.revisions.failed is None
    world.follow().step().calls(ok=20).step(60).step()
    assert world.revisions.candidate is not None
    assert world.revisions.candidate.step == 3


@pytest.mark.parametrize(
    ("calls", "says"),
    [
        ({"ok": 90, "failed": 10}, "20 of 200 calls failed (10.0%, at most 5%)"),
        ({"ok": 100, "seconds": 1.0}, "ms over 200 calls (at most 1000 ms)"),
    ],
)
def test_a_bad_revision_is_taken_back_at_once_and_not_tried_again(calls: dict[str, Any], says: str) -> None:
    world = settled()
    old = copy.deepcopy(world.deployments["model-server"])
    world.tried().calls(**calls).step()
    reason, message = failed(world)
    assert reason == "AnalysisFailed"
    assert says in message
    assert "at 10% of the requests" in message
    assert world.revisions.weights == {"model-server": 100}
    assert world.deployments == {"model-server": old}
    for _ in range(10):
        world.ready().follow().step(3600)
        assert world.deployments == {"model-server": old}
        assert failed(world) == (reason, message)


def test_a_promoted_revision_leaves_its_steps_out_and_takes_over_with_all_its_pods() -> None:
    world = settled().tried().say(PROMOTE).step()
    assert world.revisions.slot == "model-server"
    assert world.step().deployments["model-server-b"].replicas == 4
    assert world.revisions.slot == "model-server"
    assert world.ready().step().revisions.slot == "model-server-b"
    assert world.revisions.stable == world.wanted


def test_a_promoted_revision_whose_calls_fail_is_taken_back_all_the_same() -> None:
    world = settled().tried().say(PROMOTE).step().calls(ok=90, failed=10).step()
    assert failed(world)[0] == "AnalysisFailed"


def test_a_revision_is_taken_back_when_its_user_says_so_and_not_tried_again() -> None:
    world = settled()
    old = copy.deepcopy(world.deployments["model-server"])
    world.tried().say(ROLLBACK).step()
    reason, message = failed(world)
    assert reason == "RolledBack"
    assert "kubeocr.dev/rollback" in message
    for _ in range(3):
        assert world.ready().follow().step(3600).deployments == {"model-server": old}


@pytest.mark.parametrize("annotation", [PROMOTE, ROLLBACK])
def test_what_was_said_of_another_spec_counts_for_nothing(annotation: str) -> None:
    world = settled().tried().say(annotation, generation=7).step()
    assert world.revisions.failed is None
    assert world.revisions.candidate is not None
    assert world.revisions.candidate.step == 1


def test_few_calls_are_no_verdict_and_the_step_waits_for_more() -> None:
    world = settled().tried().calls(ok=0, failed=5).step(120)
    assert world.revisions.failed is None
    for _ in range(10):
        world.step(10)
    assert world.weight == 10
    for _ in range(60):
        world.step(10)
    reason, message = failed(world)
    assert reason == "ProgressDeadlineExceeded"
    assert "10 of the 20 calls that a verdict needs" in message
    assert "minSamples" in message


def test_pods_that_never_become_ready_end_the_attempt_and_say_so() -> None:
    world = settled()
    world.spec = spec("latency")
    for _ in range(30):
        world.step(30)
    reason, message = failed(world)
    assert reason == "ProgressDeadlineExceeded"
    assert "0 of 1 candidates ready" in message
    assert world.deployments.keys() == {"model-server"}


def test_pods_that_come_and_go_do_not_put_the_deadline_off() -> None:
    world = settled()
    world.spec = spec("latency")
    for number in range(40):
        world.step(30)
        if "model-server-b" in world.deployments:
            world.deployments["model-server-b"].ready = number % 2
    assert failed(world)[0] == "ProgressDeadlineExceeded"


def test_gateways_that_do_not_follow_end_the_attempt_and_say_so() -> None:
    world = settled()
    world.spec = spec("latency")
    world.step().step().ready().step().follow(0)
    for _ in range(30):
        world.step(30)
    assert "1 of 2 gateways follow" in failed(world)[1]


def test_the_time_that_gateways_took_to_follow_is_given_back() -> None:
    world = settled()
    world.spec = spec("latency")
    world.step().step().ready().step().step(590).follow().step(300)
    assert world.step().revisions.failed is None
    assert world.step(400).step().revisions.failed is not None


def test_a_spec_that_goes_back_ends_the_attempt_at_once() -> None:
    world = settled()
    old = copy.deepcopy(world.deployments["model-server"])
    world.tried()
    world.spec = spec()
    world.step()
    assert world.revisions.candidate is None
    assert world.revisions.weights == {"model-server": 100}
    assert world.deployments == {"model-server": old}


def test_a_third_template_begins_at_no_weight() -> None:
    world = settled().tried()
    world.spec = spec("latency", gateway={"limits": {"maxPages": 7}})
    world.step()
    candidate = world.revisions.candidate
    assert candidate is not None
    assert (candidate.step, candidate.weight, candidate.revision) == (1, 0, world.wanted)


def test_a_change_that_is_not_of_the_template_disturbs_nothing() -> None:
    world = settled().tried()
    before = world.revisions
    world.spec = {**world.spec, "gateway": {"replicas": 3}}
    assert world.step().revisions == before


@pytest.mark.parametrize(
    "change",
    [
        {"modelServer": {"replicas": 4, "runtime": {"mode": "latency", "maxQueue": 9}}},
        {"rollout": {**CANARY, "canary": {"steps": STEPS, "analysis": {**ANALYSIS, "maxErrorRate": "50%"}}}},
    ],
)
def test_a_failed_revision_is_tried_again_when_its_template_or_the_roll_out_changes(
    change: dict[str, Any],
) -> None:
    world = settled().tried().calls(ok=0, failed=20).step()
    assert world.revisions.failed is not None
    world.spec = {**world.spec, **change}
    world.step()
    assert world.revisions.failed is None
    assert world.revisions.candidate is not None


def test_more_replicas_do_not_bring_a_failed_revision_back() -> None:
    world = settled().tried().calls(ok=0, failed=20).step()
    world.spec = spec("latency", replicas=6)
    world.step()
    assert world.revisions.candidate is None
    assert world.deployments["model-server"].replicas == 6


def test_suspension_ends_the_attempt_and_resumption_begins_it_anew() -> None:
    world = settled()
    old = world.deployments["model-server"].template
    world.tried()
    running = world.spec
    world.spec = {**running, "suspend": True}
    world.step()
    assert world.deployments.keys() == {"model-server"}
    assert world.deployments["model-server"].replicas == 0
    assert world.deployments["model-server"].template == old
    world.spec = running
    world.step().step()
    assert world.deployments["model-server"].replicas == 4
    assert world.revisions.candidate is not None


def test_an_attempt_that_is_called_off_by_strategy_rolls_the_stable_deployment() -> None:
    world = settled().tried()
    world.spec = spec("latency", rollout={})
    world.step()
    assert world.deployments.keys() == {"model-server"}
    assert world.revisions.stable == world.wanted


def test_when_somebody_deletes_the_stable_deployment_the_candidate_stands_in() -> None:
    world = settled().tried()
    del world.deployments["model-server"]
    world.step()
    assert world.revisions.slot == "model-server-b"
    assert world.revisions.weights == {"model-server-b": 100}
    assert world.deployments["model-server-b"].replicas == 4


def test_when_the_status_is_lost_the_larger_deployment_is_the_stable_one() -> None:
    world = settled().tried().calls(ok=20).step(60).step().ready().step().follow()
    world.step().calls(ok=20).step(60).step().ready().step()
    assert world.revisions.slot == "model-server-b"
    world.tried("throughput")
    world.revisions = type(world.revisions)()
    world.step()
    assert world.revisions.slot == "model-server-b"
    assert world.deployments["model-server-b"].replicas == 4


@pytest.mark.parametrize(("replicas", "sizes"), [(None, (1, 2)), (3, (3, 3))])
def test_a_candidate_has_its_part_of_the_pods_or_as_many_as_asked(
    replicas: int | None, sizes: tuple[int, int]
) -> None:
    canary: dict[str, Any] = {"steps": STEPS, "analysis": ANALYSIS, "replicas": replicas}
    rollout = {"strategy": "Canary", "canary": canary}
    world = settled(rollout=rollout)
    world.spec = spec("latency", rollout=rollout)
    world.step()
    assert world.deployments["model-server-b"].replicas == sizes[0]
    world.ready().step().follow().step().calls(ok=20).step(60).step().step()
    assert world.deployments["model-server-b"].replicas == sizes[1]


def test_a_revision_takes_over_with_as_many_pods_as_an_autoscaler_gave_the_one_before() -> None:
    scaled = {"modelServer": {"autoscaling": {"minReplicas": 2, "maxReplicas": 9}}, "rollout": CANARY}
    world = World(scaled).step().ready().step()
    world.deployments["model-server"].replicas = 8  # the load asks for them
    world.ready().step()
    world.spec = {**scaled, "model": {"name": "ppocrv4"}}
    for _ in range(40):
        world.step(30).ready().follow().calls(ok=20)
        assert world.deployments[world.revisions.slot].replicas == 8
    assert world.revisions.slot == "model-server-b"
