"""Whole manifests, byte for byte: what each operand version renders, and never again otherwise.

A service holds its version over any upgrade of the operator, so a released version that rendered another byte
of a pod would restart it.
"""

from __future__ import annotations

import re
from typing import Final

import kubernetes_validate
import pytest
import yaml

from ocr_operator.desired.build import build
from ocr_operator.desired.plan import Facts, Plan
from ocr_operator.desired.scales import build_scales
from ocr_operator.desired.traffic import build_traffic
from ocr_operator.models.manifest import OPTIONAL_KINDS
from ocr_operator.models.operands import Operand, Operands
from ocr_operator.models.revisions import Revisions
from ocr_operator.models.service import parse
from tests.support.process import OPERANDS, ROOT
from tests.unit.samples import NOW

GOLDEN: Final = ROOT / "tests/golden"
CASES: Final = sorted(file.parent.name for file in GOLDEN.glob("*/ocrservice.yaml"))
VERSIONS: Final = Operands.model_validate(yaml.safe_load(OPERANDS.read_text())).versions
OF_CRDS: Final = ("monitoring.coreos.com/", "gateway.networking.k8s.io/")
RELEASED: Final = """the rendering of the released version {version} has changed: with the operator's upgrade,
services that hold it would change or restart. Give the change to a newer version only: docs/architecture.md,
"Where does a change go?"."""
IN_WORK: Final = "run pytest tests/unit --update-golden and read the diff"


def released(changelog: str) -> set[str]:
    """Versions whose heading has a date."""
    headings = re.findall(r"^## (\S+) \S+ (.+)$", changelog, re.MULTILINE)
    return {version for version, when in headings if when != "unreleased"}


def render(case: str, operand: Operand) -> str:
    """All that the operator makes of the case's service, with every optional kind there."""
    body = yaml.safe_load((GOLDEN / case / "ocrservice.yaml").read_text())
    body["metadata"] |= {"namespace": "papers", "uid": "5f1b0a52-0000-4000-8000-000000000000"}
    service = parse(body)
    revisions = service.status.revisions or Revisions()
    plan = Plan(service, operand, Facts(served=OPTIONAL_KINDS), NOW, revisions)
    manifests = [*filter(None, [build_traffic(plan)]), *build(plan)]
    scales = (scale.manifest for scale in build_scales(plan))
    return yaml.safe_dump_all([*manifests, *scales], sort_keys=False, width=110)


@pytest.mark.parametrize("operand", VERSIONS, ids=lambda operand: operand.version)
@pytest.mark.parametrize("case", CASES)
def test_a_version_is_rendered_byte_for_byte_as_its_golden_files(
    case: str, operand: Operand, request: pytest.FixtureRequest
) -> None:
    text, golden = render(case, operand), GOLDEN / case / f"{operand.version}.yaml"
    frozen = operand.version in released((ROOT / "CHANGELOG.md").read_text())
    if request.config.getoption("--update-golden") and not (frozen and golden.exists()):
        golden.write_text(text)
    advice = RELEASED.format(version=operand.version) if frozen else IN_WORK
    assert golden.exists(), IN_WORK
    assert text == golden.read_text(), advice


def test_who_runs_a_version_with_goldens_finds_it_in_every_later_operator() -> None:
    known = {operand.version for operand in VERSIONS}
    golden = {file.stem for file in GOLDEN.glob("*/*.*.*.yaml")}
    assert golden <= known, "a version that operands.yaml drops is lost to the services that hold it"


def test_a_version_is_released_when_the_changelog_has_its_date() -> None:
    text = "# Changelog\n\n## 0.2.0 - unreleased\n\n### Added\n\n## 0.1.0 - 2026-12-01\n"
    assert released(text) == {"0.1.0"}


@pytest.mark.parametrize("operand", VERSIONS, ids=lambda operand: operand.version)
@pytest.mark.parametrize("case", CASES)
def test_golden_manifests_fit_the_schemas_of_kubernetes(case: str, operand: Operand) -> None:
    for manifest in yaml.safe_load_all((GOLDEN / case / f"{operand.version}.yaml").read_text()):
        whole = manifest.get("spec", {}).keys() != {"replicas"}
        if whole and not manifest["apiVersion"].startswith(OF_CRDS):
            kubernetes_validate.validate(manifest, "1.35", strict=True)
