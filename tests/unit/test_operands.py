"""Operand versions: what the operator ships must be what the model server and the chart have."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from ocr_modelserver.models.catalogue import load_catalogue
from ocr_operator.models.operands import Operands
from ocr_operator.models.semver import precedence

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "operator/src/ocr_operator/operands.yaml"


def shipped() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(SHIPPED.read_text())
    return content


def test_the_default_operand_is_this_version_with_the_catalogue_of_its_model_server() -> None:
    operands = Operands.model_validate(shipped())
    operand = operands.find(operands.default)
    assert operand is not None
    assert operand.version == tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    catalogue = load_catalogue()
    known = {name: (catalogue.sha256(name), catalogue.languages(name)) for name in catalogue.names}
    assert {entry.name: (entry.sha256, entry.languages) for entry in operand.models} == known


def test_the_chart_has_the_same_operands() -> None:
    copy = ROOT / "charts/ocr-operator/files/operands.yaml"
    assert copy.read_text() == SHIPPED.read_text(), "run make generate"


def test_a_default_that_is_no_version_is_refused() -> None:
    with pytest.raises(ValidationError, match="is none of versions"):
        Operands.model_validate({**shipped(), "default": "7.0.0"})


def test_a_version_that_stands_twice_is_refused() -> None:
    twice = shipped()["versions"] * 2
    with pytest.raises(ValidationError, match="twice"):
        Operands.model_validate({**shipped(), "versions": twice})


def operands(*versions: str) -> Operands:
    """Operands of these versions, the first of which is the default."""
    (shape,) = shipped()["versions"][:1]
    entries = [{**shape, "version": version} for version in versions]
    return Operands.model_validate({"default": versions[0], "versions": entries})


# https://semver.org/#spec-item-11, and numbers that text would sort otherwise.
RISING = ["0.9.0", "0.10.0", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta.2"]
RISING += ["1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.0.1", "1.1.0", "10.0.0"]


def test_versions_are_ordered_as_semver_says() -> None:
    assert sorted(set(RISING), key=precedence) == RISING


def test_the_newest_release_is_offered_to_who_runs_an_older_one() -> None:
    known = operands("0.2.0", "0.10.0", "0.1.0")
    assert known.newer_than("0.1.0") == known.newer_than("0.2.0") == "0.10.0"
    assert known.newer_than("0.10.0") is None


def test_nobody_is_offered_to_go_back() -> None:
    assert operands("0.1.0").newer_than("0.2.0") is None


def test_a_pre_release_is_offered_only_where_it_is_the_default() -> None:
    assert operands("0.1.0", "0.2.0-rc.1").newer_than("0.1.0") is None
    assert operands("0.2.0-rc.1", "0.1.0").newer_than("0.1.0") == "0.2.0-rc.1"
    assert operands("0.2.0-rc.1", "0.2.0").newer_than("0.2.0-rc.1") == "0.2.0"
