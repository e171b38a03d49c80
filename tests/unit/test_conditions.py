"""docs/conditions.md has every reason that a condition may have, and nothing says another one."""

import ast
from collections.abc import Iterator
from pathlib import Path

from ocr_operator.models.reasons import CONDITIONS, EVENTS, PODS, STUCK, Reason
from ocr_operator.status.failures import BLOCKING
from ocr_operator.status.verdicts import VERDICTS
from tests.conditions import DOCUMENT, document

OPERATOR = Path(__file__).parents[2] / "operator/src/ocr_operator"
# What is made of a reason; Passed is for Kubernetes' own.
MADE_OF_REASONS = {"Verdict", "Refusal", "Exposure", "Scaling", "Passed", "_fail"}


def test_the_document_is_what_make_generate_writes() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == document(), "run make generate"


def test_every_condition_and_every_reason_is_in_the_document() -> None:
    assert CONDITIONS.keys() == VERDICTS.keys()
    answers = [answer for found in CONDITIONS.values() for answer in found.values()]
    said = {reason for answer in answers for reason in answer.reasons}
    assert said | set(EVENTS) == set(Reason)
    assert all(f"`{reason}` | {reason.meaning} |" in document() for reason in said)


def test_no_code_writes_a_reason_beside_the_table() -> None:
    written = [where for file in OPERATOR.rglob("*.py") for where in _plain_reasons(file)]
    assert written == [], "name it in models/reasons.py, with its meaning and the way out"


def _plain_reasons(file: Path) -> Iterator[str]:
    """Calls that are given a reason as plain text."""
    for call in ast.walk(ast.parse(file.read_text())):
        if not isinstance(call, ast.Call) or _name(call.func) not in MADE_OF_REASONS:
            continue
        for argument in (*call.args, *(keyword.value for keyword in call.keywords)):
            text = argument.value if isinstance(argument, ast.Constant) else None
            if isinstance(text, str) and text.isalpha() and text not in {"True", "False", "Unknown"}:
                yield f"{file.name}:{call.lineno}: {text}"


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def test_what_no_waiting_mends_is_told_as_that() -> None:
    assert BLOCKING - set(STUCK) == set(list(PODS.usual)[:8])


def test_what_needs_a_person_says_what_to_do() -> None:
    stalled = CONDITIONS["Stalled"]["True"].reasons
    assert all(reason.remedy for reason in stalled)
    for reason in Reason:
        assert reason.meaning.endswith(".")
        assert "|" not in reason.meaning + reason.remedy
