"""What a release says and refuses before anything is built or pushed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from ocr_operator.models.operands import Operands
from tests.cluster.errors import ClusterError
from tests.cluster.helm import helm
from tests.cluster.images import PROGRAMS
from tests.cluster.wheels import ROOT
from tests.release import push, sbom

WORKFLOW = ROOT / ".github" / "workflows" / "release.yml"
DIGESTS = {program: f"sha256:{number * 64}" for program, number in zip(PROGRAMS, "123", strict=True)}


@pytest.mark.parametrize(
    ("registry", "version", "said"),
    [
        ("", "1.2.3", "REGISTRY is not set"),
        ("https://registry.example.com/acme", "1.2.3", "REGISTRY=https://registry.example.com/acme is none"),
        ("registry.example.com/acme/", "1.2.3", "host[:port][/path]"),
        ("registry.example.com/acme", "v1.2.3", "VERSION=v1.2.3 is none: write it as 1.2.3"),
        ("registry.example.com/acme", "1.2.3+build", "1.2.3-rc.1"),
    ],
)
def test_a_push_without_a_place_or_a_version_is_one_clear_line(
    registry: str, version: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert push.main([registry, version]) == 1
    error = capsys.readouterr().err
    assert error.startswith("push: ")
    assert error.count("\n") == 1
    assert said in error


@pytest.mark.parametrize("registry", ["localhost", "localhost:5000/ocr", "127.0.0.1:5000", "127.1.2.3/ocr"])
def test_registries_on_loopback_are_spoken_to_without_tls(registry: str) -> None:
    assert push.Target(registry, "1.2.3").is_plain


@pytest.mark.parametrize(
    "registry", ["registry.example.com/acme", "registry:5000", "10.0.0.1:5000", "localhost.acme.com"]
)
def test_all_others_with_it(registry: str) -> None:
    assert not push.Target(registry, "1.2.3").is_plain


@pytest.mark.parametrize("version", ["0.1.0", "7.0.0-rc.1"])
def test_the_values_of_a_push_run_exactly_what_was_pushed(version: str, tmp_path: Path) -> None:
    file = push.write_values(push.Target("registry.example.com/acme", version), DIGESTS, tmp_path)
    chart = [str(helm()), "template", "ocr-operator", str(push.CHART), f"--values={file}"]
    rendered = subprocess.run(chart, capture_output=True, text=True, check=True).stdout
    manifests = [manifest for manifest in yaml.safe_load_all(rendered) if manifest]
    (operator,) = (each for each in manifests if each["kind"] == "Deployment")
    image = operator["spec"]["template"]["spec"]["containers"][0]["image"]
    assert image == f"registry.example.com/acme/ocr-operator@{DIGESTS['operator']}"
    (text,) = (each["data"]["operands.yaml"] for each in manifests if "operands.yaml" in each.get("data", ()))
    operands = Operands.model_validate(yaml.safe_load(text))
    operand = operands.find(version)
    assert operand
    assert operands.default == version
    assert operand.gateway == f"registry.example.com/acme/ocr-gateway@{DIGESTS['gateway']}"
    assert operand.model_server == f"registry.example.com/acme/ocr-modelserver@{DIGESTS['modelserver']}"
    assert operand.model("balanced")


@pytest.mark.parametrize(
    ("metadata", "licence"),
    [
        ("License-Expression: BSD-3-Clause\nLicense: BSD", "BSD-3-Clause"),
        ("License: MIT", "MIT"),
        (
            "License: a text\n  of many lines\nClassifier: License :: OSI Approved :: MIT License",
            "MIT License",
        ),
        ("Classifier: Typing :: Typed", "not stated"),
    ],
)
def test_a_distribution_is_listed_with_the_licence_that_it_states(metadata: str, licence: str) -> None:
    component = sbom.python(f"Name: Some.Thing\nVersion: 1.2\n{metadata}\n")
    assert str(component.purl) == "pkg:pypi/some-thing@1.2"
    (found,) = component.licenses
    assert licence in {getattr(found, key, None) for key in ("id", "name", "value")}


def test_debians_packages_are_listed() -> None:
    status = "Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.36-9+deb12u14\n"
    (component,) = sbom.debian(status)
    assert str(component.purl) == "pkg:deb/debian/libc6@2.36-9%2Bdeb12u14?arch=amd64"


def test_a_models_file_that_the_catalogue_does_not_know_is_refused() -> None:
    with pytest.raises(ClusterError, match=r"models/ppocrv4/det.onnx with sha256 [0-9a-f]{64} .* catalogue"):
        sbom.model("opt/kubeocr/share/kubeocr/models/ppocrv4/det.onnx", b"something else")


@pytest.fixture(scope="module")
def workflow() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(WORKFLOW.read_text())
    return found


def test_the_release_workflow_is_one_that_github_reads() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows"]
    result = subprocess.run([*command, str(WORKFLOW)], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


def test_the_release_workflow_runs_only_actions_of_a_known_commit(workflow: dict[str, Any]) -> None:
    used = [step["uses"] for job in workflow["jobs"].values() for step in job["steps"] if "uses" in step]
    assert used
    assert [each for each in used if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", each)] == []


def test_the_release_workflow_reads_the_one_secret_it_needs_and_may_write_only_where_it_publishes(
    workflow: dict[str, Any],
) -> None:
    assert re.findall(r"secrets\.(\w+)", WORKFLOW.read_text()) == ["REGISTRY_TOKEN"]
    assert workflow["permissions"] == {"contents": "read"}
    writing = {
        name for name, job in workflow["jobs"].items() if "write" in job.get("permissions", {}).values()
    }
    assert writing == {"publish"}
    assert workflow["jobs"]["publish"]["needs"] == "test"


def test_no_step_of_the_release_workflow_pastes_what_others_wrote_into_its_script(
    workflow: dict[str, Any],
) -> None:
    scripts = [step["run"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step]
    assert [script for script in scripts if "${{" in script] == []
