"""What a service is told about newer versions, and what others see of one that moves."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from ocr_operator.desired.accept import Refusal
from ocr_operator.desired.upgrades import Line
from ocr_operator.models.operands import Operands
from ocr_operator.models.service import Key
from ocr_operator.models.status import Condition, Status, VersionStatus
from ocr_operator.status.judge import departing, judge
from ocr_operator.status.observation import Observation
from ocr_operator.status.transitions import transitions
from tests.unit.samples import OPERANDS, look, ocr_service, plan, running

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
LATER = datetime(2026, 1, 2, 4, 0, 0, tzinfo=UTC)
AUTO = {"upgradePolicy": "Auto"}
NOBODY = Line()
ME, OTHER = Key("papers", "invoices"), Key("papers", "bills")


def verdict(seen: Observation, now: datetime = NOW) -> Status:
    return judge(seen, operator_version="0.1.0", now=now)


def up_to_date(status: Status) -> Condition:
    condition = status.condition("UpToDate")
    assert condition is not None
    return condition


def settled(spec: dict[str, Any], line: Line | None = NOBODY, version: str = "0.1.0") -> Status:
    """The status of a service at rest."""
    return verdict(look(ocr_service(spec), running(plan(spec)), line=line, version=version))


def test_who_runs_the_newest_version_is_up_to_date_and_is_offered_none() -> None:
    status = settled({}, version="0.2.0")
    assert (up_to_date(status).status, up_to_date(status).reason) == ("True", "Newest")
    assert status.version == VersionStatus(operand="0.2.0", operator="0.1.0")


@pytest.mark.parametrize(
    ("spec", "line", "reason", "message"),
    [
        ({}, Line(), "Manual", "set spec.version to it, or spec.upgradePolicy to Auto"),
        ({"version": "0.1.0"}, Line(), "Pinned", "spec.version asks for 0.1.0"),
        (
            AUTO,
            Line((ME,)),
            "Waiting",
            "services move one at a time, and this one waits for its turn",
        ),
        (AUTO, Line((ME,), OTHER), "Waiting", "waiting for papers/bills to be Ready"),
        (
            AUTO,
            Line((Key("a", "a"), ME), OTHER),
            "Waiting",
            "services move one at a time, and this one waits for its turn",
        ),
        (
            AUTO,
            Line((Key("a", "a"), ME), OTHER, stopped=True),
            "Waiting",
            "waiting for papers/bills to be Ready and not Stalled; mend it, or set its "
            "spec.upgradePolicy to Manual",
        ),
    ],
)
def test_who_runs_an_older_version_is_told_the_newest_and_the_way_to_it(
    spec: dict[str, Any], line: Line, reason: str, message: str
) -> None:
    status = settled(spec, line)
    assert status.version == VersionStatus(operand="0.1.0", operator="0.1.0", available="0.2.0")
    condition = up_to_date(status)
    assert (condition.status, condition.reason) == ("False", reason)
    assert condition.message == f"version 0.2.0 is available; {message}"


def test_who_is_not_ready_is_told_that_it_moves_when_it_is() -> None:
    children = running(plan(AUTO), gateway={"readyReplicas": 0, "availableReplicas": 0})
    status = verdict(look(ocr_service(AUTO), children, line=Line()))
    assert up_to_date(status).reason == "NotReady"


def test_who_is_suspended_keeps_its_version_and_is_told_the_same() -> None:
    spec = {**AUTO, "suspend": True}
    status = verdict(look(ocr_service(spec), running(plan(spec)), line=Line()))
    assert up_to_date(status).reason == "NotReady"


def test_who_asks_for_a_model_that_the_newest_version_lacks_is_told_which_it_has() -> None:
    (old, new) = OPERANDS.dump()["versions"]
    fewer = {**new, "models": new["models"][:1]}
    operands = Operands.model_validate({"default": "0.1.0", "versions": [old, fewer]})
    spec = {**AUTO, "model": {"name": "ppocrv4"}}
    status = verdict(replace(look(ocr_service(spec), running(plan(spec))), operands=operands))
    assert up_to_date(status).reason == "UnknownModel"
    assert "version 0.2.0 has balanced, not ppocrv4" in up_to_date(status).message


def test_who_runs_nothing_yet_is_offered_nothing() -> None:
    status = verdict(look(ocr_service(), refusals=(Refusal("UnknownModel", "no such model"),)))
    assert (up_to_date(status).status, up_to_date(status).reason) == ("Unknown", "NothingRuns")
    assert status.version == VersionStatus(operator="0.1.0")


def test_a_version_that_the_operator_has_lost_is_kept_and_nothing_older_is_offered() -> None:
    held = {"version": {"operand": "0.9.0", "operator": "0.9.0"}}
    refused = (Refusal("UnsupportedVersion", "bring it back"),)
    seen = look(
        ocr_service(AUTO, status=held), running(plan(AUTO)), refusals=refused, version="0.9.0", line=Line()
    )
    status = verdict(seen)
    assert status.version == VersionStatus(operand="0.9.0", operator="0.1.0")
    assert up_to_date(status).status == "True"


def test_an_operator_that_has_not_looked_at_all_services_repeats_what_was_said() -> None:
    stopped = settled(AUTO, Line((ME,), OTHER, stopped=True))
    service = ocr_service(AUTO, status=stopped.dump())
    assert verdict(look(service, running(plan(AUTO)), line=None), LATER) == stopped


def test_what_was_said_of_another_version_is_not_repeated() -> None:
    stopped = settled(AUTO, Line((ME,), OTHER, stopped=True))
    assert stopped.version is not None
    older = stopped.version.model_copy(update={"available": "0.1.5"})
    service = ocr_service(AUTO, status=stopped.model_copy(update={"version": older}).dump())
    status = verdict(look(service, running(plan(AUTO)), line=None), LATER)
    assert "papers/bills" not in up_to_date(status).message


def test_who_sets_out_is_being_rolled_out_from_the_first_word_until_it_has_arrived() -> None:
    version = VersionStatus(operand="0.2.0", operator="0.1.0")
    first = departing(settled(AUTO, Line((ME,))), version, LATER)
    assert first.version == version
    service = ocr_service(AUTO, status=first.dump())
    children = running(plan(AUTO), gateway={"updatedReplicas": 1})
    for status in (first, verdict(look(service, children, version="0.2.0"), LATER)):
        reconciling = status.condition("Reconciling")
        assert reconciling is not None
        assert (reconciling.status, reconciling.reason) == ("True", "Upgrading")
        assert reconciling.last_transition_time == "2026-01-02T04:00:00Z"
    arrived = verdict(look(service, running(plan(AUTO)), version="0.2.0"), LATER).condition("Reconciling")
    assert arrived is not None
    assert (arrived.status, arrived.reason) == ("False", "Idle")


def test_another_version_is_an_event_once_and_the_first_is_none() -> None:
    old, new = settled(AUTO), settled(AUTO, version="0.2.0")
    assert ("Normal", "VersionChanged", "from version 0.1.0 to 0.2.0") in transitions(old, new)
    for before, after in ((Status(), old), (new, new)):
        assert "VersionChanged" not in {each.reason for each in transitions(before, after)}
