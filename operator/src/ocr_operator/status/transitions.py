"""Which changes of a status are worth an Event: transitions only, never the state itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

from ocr_operator.models.reasons import Reason
from ocr_operator.models.status import Condition, ConditionStatus, ConditionType, Status

# As asked for, so nothing to be warned of.
_AS_ASKED: Final = frozenset({Reason.STARTING, Reason.SUSPENDED, Reason.SCALED_TO_ZERO})
_TOLD: Final[tuple[tuple[ConditionType, ConditionStatus], ...]] = (
    ("SpecAccepted", "True"),
    ("Ready", "True"),
    ("Stalled", "False"),
)


class Transition(NamedTuple):
    """One Event to be."""

    type: Literal["Normal", "Warning"]
    reason: str
    message: str


def transitions(before: Status, after: Status) -> tuple[Transition, ...]:
    """Events for conditions that flipped, or that stay bad for another reason; each thing is told once."""
    told: dict[str, Transition] = {}
    for transition in _changes(before, after):
        told.setdefault(transition.reason, transition)
    return tuple(told.values())


def _changes(before: Status, after: Status) -> Iterator[Transition]:
    if before.version and after.version and after.version.operand:
        source, target = before.version.operand, after.version.operand
        if source and source != target:
            yield Transition("Normal", Reason.VERSION_CHANGED, f"from version {source} to {target}")
    for kind, good in _TOLD:
        old = before.condition(kind)
        new = after.condition(kind)
        if new is None or (old is not None and (old.status, old.reason) == (new.status, new.reason)):
            continue
        if new.status != good:
            yield from _bad(new) if old or new.reason != Reason.STARTING else ()
        elif kind == "Ready" or (old is not None and old.status != good):
            yield Transition("Normal", new.reason, new.message)


def _bad(condition: Condition) -> Iterator[Transition]:
    # A refused spec is told once, by SpecAccepted.
    if condition.type == "Ready" and condition.reason in _AS_ASKED:
        yield Transition("Normal", condition.reason, condition.message)
    elif condition.type != "Ready":
        yield Transition("Warning", condition.reason, condition.message)
