"""What a seed of `make chaos` is."""

from collections import Counter
from typing import Any

from ocr_operator.desired.revision import revision
from tests.chaos import faults
from tests.chaos.scene import merged
from tests.chaos.schedule import CREWS, FAULTS, draw, kept_seeds
from tests.unit.samples import plan

SEEDS = range(1, 201)


def test_a_seed_always_has_the_same_story() -> None:
    assert [str(draw(seed)) for seed in SEEDS] == [str(draw(seed)) for seed in SEEDS]
    assert len({str(draw(seed)) for seed in SEEDS}) == len(SEEDS)


def test_two_hundred_seeds_have_all_faults_and_all_crews() -> None:
    met = Counter(fault for seed in SEEDS for fault in draw(seed).faults)
    assert met.keys() == FAULTS.keys() == faults.FAULTS.keys()
    assert {draw(seed).crew for seed in SEEDS} == CREWS.keys()


def test_users_only_touch_services_that_there_are() -> None:
    for seed in SEEDS:
        living: set[str] = set()
        for step in draw(seed).steps:
            if step.is_fault:
                continue
            service = step.details["service"]
            assert (service in living) == (step.what != "create")
            if step.what == "create":
                living.add(service)
            elif step.what == "delete":
                living.remove(service)


def test_no_edit_gives_a_canary_a_revision_to_try_for_no_gateway_measures_there() -> None:
    for seed in SEEDS:
        specs: dict[str, dict[str, Any]] = {}
        for step in draw(seed).steps:
            if step.what == "create":
                specs[step.details["service"]] = step.details["spec"]
            elif step.what == "edit":
                service, edit = step.details["service"], step.details["spec"]
                before, after = specs[service], merged(specs[service], edit)
                specs[service] = after
                if after.get("rollout", {}).get("strategy") == "Canary":
                    assert revision(plan(after)) == revision(plan(before)), (seed, edit)


def test_the_seeds_that_are_kept_are_told_apart() -> None:
    seeds = kept_seeds()
    assert len(seeds) == len(set(seeds))
