"""The models' side of the table; tests/component/test_crd.py has the apiserver's."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from ocr_operator.crdgen.crd import SERVICE, root_schema
from ocr_operator.models.service import InvalidSpecError, parse
from tests.unit.crd_case import Case
from tests.unit.crd_cases import CASES


def paths(schema: dict[str, Any], path: str) -> Iterator[str]:
    """Every place in the schema, in the notation of the table."""
    yield path
    for name, child in schema.get("properties", {}).items():
        yield from paths(child, f"{path}.{name}")
    for keyword, suffix in (("items", "[]"), ("additionalProperties", "{}")):
        if keyword in schema:
            yield from paths(schema[keyword], path + suffix)


def messages(schema: Any) -> Iterator[str]:
    """Every message of a CEL rule in the schema."""
    if isinstance(schema, dict):
        yield from (rule["message"] for rule in schema.get("x-kubernetes-validations", ()))
        for child in schema.values():
            yield from messages(child)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_the_models_take_and_refuse_what_the_table_says(case: Case) -> None:
    if case.refusal is None:
        parse(case.body)
        return
    with pytest.raises(InvalidSpecError) as caught:
        parse(case.body)
    said = str(caught.value)
    assert case.refusal.model in said
    assert case.refusal.path in said


def test_every_place_of_the_schema_has_cases() -> None:
    known = {f"spec.{case.covers}" for case in CASES}
    assert set(paths(root_schema(SERVICE)["properties"]["spec"], "spec")) - known == {"spec"}


def test_every_rule_has_a_case_that_breaks_it() -> None:
    broken = {case.refusal.server for case in CASES if case.refusal}
    assert [
        message for message in messages(root_schema(SERVICE)) if not any(part in message for part in broken)
    ] == []


def test_a_date_that_yaml_made_is_text_again() -> None:
    body = yaml.safe_load(
        """
        metadata: {name: dated, creationTimestamp: 2026-01-02T03:04:05Z}
        spec: {observability: {serviceMonitor: {labels: {2026-01-02: x, y: 2026-01-02}}}}
        """
    )
    assert parse(body).spec.observability.service_monitor.labels == {"2026-01-02": "x", "y": "2026-01-02"}


def test_titles_differ() -> None:
    assert len({case.title for case in CASES}) == len(CASES)
