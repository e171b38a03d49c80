"""Whether a service runs the operator's newest version, and if not, what it waits for."""

from __future__ import annotations

from typing import NamedTuple

from ocr_operator.desired.accept import Refusal, misfits
from ocr_operator.models.reasons import Passed, Reason
from ocr_operator.models.status import ConditionStatus
from ocr_operator.status.observation import Observation


class UpToDate(NamedTuple):
    """The condition, and in its message the way on."""

    status: ConditionStatus
    reason: Reason | Passed
    message: str


def up_to_date(seen: Observation, *, at_rest: bool) -> UpToDate:
    """`at_rest`: the service is Ready and nothing of it is being rolled out."""
    if seen.runs is None:
        return UpToDate("Unknown", Reason.NOTHING_RUNS, "no version runs yet")
    if seen.available is None:
        return UpToDate("True", Reason.NEWEST, f"this operator has no version newer than {seen.runs}")
    if seen.service.spec.upgrade_policy == "Auto":
        kept_by = _misfit(seen) or (_wait(seen) if at_rest else NOT_AT_REST)
    else:
        kept_by = _wish(seen)
    return UpToDate("False", kept_by.reason, f"version {seen.available} is available; {kept_by.message}")


NOT_AT_REST = Refusal(Reason.NOT_READY, "this service moves when it is Ready and nothing is being rolled out")


def _wish(seen: Observation) -> Refusal:
    if asked := seen.service.spec.version:
        return Refusal(Reason.PINNED, f"spec.version asks for {asked}")
    return Refusal(Reason.MANUAL, "set spec.version to it, or spec.upgradePolicy to Auto")


def _misfit(seen: Observation) -> Refusal | None:
    newer = seen.operands.find(seen.operands.newest)
    return next(misfits(seen.service, newer), None) if newer else None


def _wait(seen: Observation) -> Refusal:
    """Only the first in line, and everybody once the line has stopped, is told for whom it waits.

    The others would have to be told anew with each service that moves: of a thousand, half a million writes.
    """
    line, version = seen.line, seen.service.status.version
    if line is None:
        # The operator has just started. What was said before will most likely be said again.
        said = seen.service.status.condition("UpToDate")
        if said and said.reason == Reason.WAITING and version and version.available == seen.available:
            return Refusal(Reason.WAITING, said.message.partition("; ")[2])
    elif line.stopped:
        way_out = "mend it, or set its spec.upgradePolicy to Manual"
        return Refusal(Reason.WAITING, f"waiting for {line.blocker} to be Ready and not Stalled; {way_out}")
    elif line.blocker and line.head == seen.service.key:
        return Refusal(Reason.WAITING, f"waiting for {line.blocker} to be Ready")
    return Refusal(Reason.WAITING, "services move one at a time, and this one waits for its turn")
