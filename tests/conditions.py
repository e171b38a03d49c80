"""`python -m tests.conditions > docs/conditions.md`: all that a status may say, off the operator's table."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal

from ocr_operator.models.reasons import (
    AUTOSCALERS,
    CONDITIONS,
    EVENTS,
    PODS,
    REFUSED,
    STUCK,
    Answer,
    Foreign,
    Reason,
)
from ocr_operator.models.status import Condition, ConditionStatus, ConditionType, Status
from ocr_operator.status.transitions import transitions

DOCUMENT = Path(__file__).parents[1] / "docs/conditions.md"
HEAD = """# Conditions and Events

Made by `make generate` from the operator's own table of reasons. `kubectl ocr status NAME` and
`kubectl describe ocrservice NAME` show them; a message says more than the reason, and names the field, the
pod or the object.

`Ready` answers one question: can I send pages now? `Reconciling` and `Stalled` are what kstatus, Argo CD and
Flux look for; they are the only ones where `True` is not the good state.

```sh
kubectl wait --for=condition=Ready ocrservice/NAME --timeout=5m
kubectl get ocrservice NAME -o jsonpath='{.status.conditions[?(@.type=="Stalled")].message}'
```
"""
ASKS: Final[dict[ConditionType, str]] = {
    "Ready": "Can I send pages now?",
    "Reconciling": "Is something being rolled out?",
    "Stalled": "Does somebody have to do something?",
    "SpecAccepted": "Can the spec be run? A refused one changes nothing: what ran before runs on.",
    "ModelServerAvailable": "Is there a model server?",
    "GatewayAvailable": "Is there a gateway?",
    "Exposed": "Is there an address to send pages to?",
    "RolloutHealthy": "Does the newest revision get where it should?",
    "AutoscalingActive": "Does the number of pods follow the load?",
    "DependenciesPresent": "Are the CRDs installed that the spec makes use of?",
    "UpToDate": "Does it run the operator's newest version?",
}
GROUPS: Final = {
    "a refused spec": (REFUSED, None),
    "a roll-out that is stuck": (STUCK, None),
    "pods": ((), PODS),
    "autoscalers": ((), AUTOSCALERS),
}


def document() -> str:
    """All of docs/conditions.md."""
    parts = [_conditions(), _groups(), _events()]
    return "\n".join([HEAD, *("\n".join(part) for part in parts)])


def _conditions() -> Iterator[str]:
    for kind, answers in CONDITIONS.items():
        yield f"## {kind}\n\n{ASKS[kind]}\n"
        yield "| status | reason | what it means | what to do |\n|---|---|---|---|"
        for status, answer in answers.items():
            told = [name for name in GROUPS if _within(name, answer.reasons, answer.passed)]
            grouped = {reason for name in told for reason in GROUPS[name][0]}
            for reason in (each for each in answer.reasons if each not in grouped):
                yield f"| {status} | `{reason}` | {reason.meaning} | {reason.remedy} |"
            for name in told:
                yield f"| {status} | of [{name}](#reasons-of-{name.replace(' ', '-')}) | | |"
        yield ""


def _within(name: str, reasons: tuple[Reason, ...], passed: Foreign | None) -> bool:
    own, foreign = GROUPS[name]
    return foreign is passed if foreign else set(own) <= set(reasons)


def _groups() -> Iterator[str]:
    for name, (own, foreign) in GROUPS.items():
        yield f"## Reasons of {name}\n"
        if foreign:
            yield f"{foreign.about} The usual ones:\n\n| reason | what to do |\n|---|---|"
            yield from (f"| `{reason}` | {remedy} |" for reason, remedy in foreign.usual.items())
        else:
            yield "| reason | what it means | what to do |\n|---|---|---|"
            yield from (f"| `{reason}` | {reason.meaning} | {reason.remedy} |" for reason in own)
        yield ""


def _events() -> Iterator[str]:
    yield "## Events\n"
    yield (
        "`kubectl events --for ocrservice/NAME`. An Event has the reason and the message of the condition "
        "that became so; each is told once.\n"
    )
    yield "| type | when | reasons |\n|---|---|---|"
    for type_ in ("Normal", "Warning"):
        for kind, answers in CONDITIONS.items():
            for status, answer in answers.items():
                told = [reason for reason in answer.reasons if _event(kind, status, reason) == type_]
                of_pods = ["of [pods](#reasons-of-pods)"] if answer.passed and type_ == "Warning" else []
                if told:
                    listed = ", ".join([*(f"`{reason}`" for reason in told), *of_pods])
                    yield f"| {type_} | {kind} becomes {status} | {listed} |"
    for reason in EVENTS:
        yield f"| Normal | {reason.meaning.removesuffix('.')} | `{reason}` |"


def _event(kind: ConditionType, status: ConditionStatus, reason: str) -> Literal["Normal", "Warning"] | None:
    """The type of the Event when a condition becomes so."""
    before: ConditionStatus = "False" if status == "True" else "True"
    found = transitions(_status(kind, before, "Other"), _status(kind, status, reason))
    return found[0].type if found else None


def _status(kind: ConditionType, status: ConditionStatus, reason: str) -> Status:
    about = {"message": "", "last_transition_time": "2026-01-01T00:00:00Z", "observed_generation": 1}
    return Status(conditions=(Condition(type=kind, status=status, reason=reason, **about),))


def unexplained(status: Status) -> list[str]:
    """What the conditions of a status say that the table does not have in that place."""
    return [
        f"{said.type} {said.status} {said.reason}"
        for said in status.conditions
        if not _explains(CONDITIONS[said.type].get(said.status, Answer()), said.reason)
    ]


def _explains(answer: Answer, reason: str) -> bool:
    return reason in answer.reasons or (answer.passed is not None and reason not in set(Reason))


if __name__ == "__main__":
    sys.stdout.write(document())
