"""The CRD that is committed, and the command that writes it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ocr_operator.crdgen.__main__ import main
from ocr_operator.crdgen.crd import PROFILE, RESOURCES, SERVICE, Resource, definition, render, root_schema

FOLDER = Path(__file__).parents[2] / "crds"


def test_the_committed_crd_is_what_the_models_say() -> None:
    assert main(["--check", str(FOLDER)]) == 0, "run `make generate`"


def test_there_is_a_file_for_each_of_our_kinds_and_no_other() -> None:
    assert {file.name for file in FOLDER.iterdir()} == {resource.file_name for resource in RESOURCES}


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.name)
def test_it_is_small(resource: Resource) -> None:
    assert len((FOLDER / resource.file_name).read_bytes()) <= 150_000


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.name)
def test_the_text_is_the_definition_and_the_same_each_time(resource: Resource) -> None:
    text = render(resource)
    assert text == render(resource)
    assert yaml.safe_load(text) == definition(resource)
    assert "&id" not in text
    assert "default:" not in text


@pytest.mark.parametrize(
    ("resource", "kind", "short"), [(SERVICE, "OCRService", "ocrs"), (PROFILE, "OCRProfile", "ocrp")]
)
def test_the_names_are_those_of_the_api(resource: Resource, kind: str, short: str) -> None:
    crd = definition(resource)
    assert crd["metadata"]["name"] == f"{kind.lower()}s.kubeocr.dev"
    assert crd["spec"]["names"] == {
        "plural": f"{kind.lower()}s",
        "singular": kind.lower(),
        "kind": kind,
        "listKind": f"{kind}List",
        "shortNames": [short],
        "categories": ["ocr"],
    }
    assert [(each["name"], each["served"], each["storage"]) for each in crd["spec"]["versions"]] == [
        ("v1alpha1", True, True)
    ]


def test_no_default_is_in_the_schema_but_told_in_the_description() -> None:
    spec = definition(SERVICE)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    gateway = spec["properties"]["gateway"]["properties"]
    assert gateway["limits"]["properties"]["maxPages"]["description"] == "Pages of one document. Default: 50."
    assert (
        gateway["limits"]["description"]
        == "What one request may ask for; checked before anything is decoded."
    )
    assert gateway["resources"]["description"] == (
        'Compute of one pod. Default: {"requests": {"cpu": "100m", "memory": "256Mi"}, '
        '"limits": {"memory": "2Gi"}}.'
    )
    assert gateway["replicas"]["description"] == "Pods to run; 2 when absent."


def test_the_command_writes_the_file_and_then_finds_it_up_to_date(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "crds"
    assert main([str(folder)]) == 0
    assert {file.name: file.read_text() for file in folder.iterdir()} == {
        resource.file_name: render(resource) for resource in RESOURCES
    }
    assert main(["--check", str(folder)]) == 0


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.name)
@pytest.mark.parametrize("content", [None, "", "kind: Other\n"])
def test_check_names_a_file_that_is_missing_or_outdated_and_leaves_it(
    tmp_path: Path, content: str | None, resource: Resource, capsys: pytest.CaptureFixture[str]
) -> None:
    main([str(tmp_path)])
    file = tmp_path / resource.file_name
    file.unlink()
    if content is not None:
        file.write_text(content)
    assert main(["--check", str(tmp_path)]) == 1
    assert capsys.readouterr().err == f"{file} is not what the models say; run `make generate`\n"
    assert (file.read_text() if file.exists() else None) == content


@pytest.mark.parametrize("flags", [[], ["--check"]])
def test_a_folder_that_is_a_file_is_one_clear_line(
    tmp_path: Path, flags: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert main([*flags, str(tmp_path / "file")]) != 0
    assert capsys.readouterr().err.count("\n") == 1


def test_a_profile_has_the_fields_of_a_service_that_several_may_share() -> None:
    own = fields(SERVICE) - fields(PROFILE)
    assert {path for path in own if path.rpartition(".")[0] not in own} == {
        "spec.profileRef",
        "spec.version",
        "spec.upgradePolicy",
        "spec.suspend",
        "spec.expose.ingress",
        "spec.expose.gatewayAPI",
        "spec.expose.service.nodePort",
    }
    assert fields(PROFILE) < fields(SERVICE)


def fields(resource: Resource) -> set[str]:
    """Dotted paths of all fields of the spec."""

    def walk(schema: dict[str, Any], path: str) -> Iterator[str]:
        for name, child in schema.get("items", schema).get("properties", {}).items():
            yield from (f"{path}.{name}", *walk(child, f"{path}.{name}"))

    return set(walk(root_schema(resource)["properties"]["spec"], "spec"))
