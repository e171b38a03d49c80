"""Who moves to a newer operand version next. PURE: all that the line is made of stands in the resources.

Of the services with `upgradePolicy: Auto` one moves at a time, in the order of their names:
- Who moves is Ready and at rest. What is broken, suspended or being rolled out keeps its version until then.
- Nobody moves while a service that runs the newest version, or is on its way, is not Ready.
- A suspended service and one that is scaled to zero hold nobody up.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from ocr_operator.desired.accept import misfits
from ocr_operator.models.operands import Operands
from ocr_operator.models.reasons import Reason
from ocr_operator.models.service import Key, OCRService

State = Literal["serving", "moving", "failed", "resting"]


@dataclass(frozen=True, slots=True)
class Member:
    """A service that follows new versions.

    `upgrading`: it is on its way to the version that it has; `willing`: there is a newer one that suits it.
    """

    key: Key
    state: State
    newest: bool
    upgrading: bool
    willing: bool


@dataclass(frozen=True, slots=True)
class Line:
    """Services that will move, in order, and the one that all of them wait for.

    `stopped`: that one has failed and does not get on by itself.
    """

    waiting: tuple[Key, ...] = ()
    blocker: Key | None = None
    stopped: bool = False

    @property
    def head(self) -> Key | None:
        """The first in line."""
        return self.waiting[0] if self.waiting else None

    @property
    def next(self) -> Key | None:
        """Who may move now."""
        return None if self.blocker else self.head


def member(service: OCRService, operands: Operands) -> Member | None:
    """Its place among those that follow; None when its version is the user's matter."""
    if service.spec.upgrade_policy != "Auto":
        return None
    held = service.status.version.operand if service.status.version else None
    target = operands.find(operands.newer_than(held) or "") if held else None
    return Member(
        key=service.key,
        state=_state(service),
        newest=held == operands.newest,
        upgrading=is_upgrading(service),
        willing=target is not None and not any(misfits(service, target)),
    )


def line(members: Iterable[Member]) -> Line:
    """The line that these members make."""
    members = sorted(members, key=lambda one: one.key)
    waiting = tuple(one.key for one in members if one.willing and one.state == "serving")
    # One that has failed before one that may get on: it is what a person must look at.
    blockers = sorted(filter(_blocks, members), key=lambda one: one.state != "failed")
    if not blockers:
        return Line(waiting)
    return Line(waiting, blockers[0].key, stopped=blockers[0].state == "failed")


def is_upgrading(service: OCRService) -> bool:
    """Whether it moves to another version by itself, and has not arrived."""
    said = service.status.condition("Reconciling")
    follows = service.spec.upgrade_policy == "Auto"
    return follows and said is not None and (said.status, said.reason) == ("True", Reason.UPGRADING)


def _blocks(one: Member) -> bool:
    return one.state in {"moving", "failed"} and (one.newest or one.upgrading)


def _state(service: OCRService) -> State:
    """By its status, if that is about the spec as it is now."""
    said = {condition.type: condition.status for condition in service.status.conditions}
    if service.spec.suspend:
        return "resting"
    if not service.judged or said.get("Reconciling") != "False":
        return "moving"
    if (said.get("Ready"), said.get("Stalled")) == ("True", "False"):
        return "serving"
    ready = service.status.condition("Ready")
    return "resting" if ready is not None and ready.reason == Reason.SCALED_TO_ZERO else "failed"
