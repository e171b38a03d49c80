"""The CRD that is committed, and the command that writes it."""

from pathlib import Path

import pytest
import yaml

from ocr_operator.crdgen.__main__ import main
from ocr_operator.crdgen.crd import FILE_NAME, definition, render

FOLDER = Path(__file__).parents[2] / "crds"


def test_the_committed_crd_is_what_the_models_say() -> None:
    assert main(["--check", str(FOLDER)]) == 0, "run `make generate`"


def test_it_is_small() -> None:
    assert len((FOLDER / FILE_NAME).read_bytes()) <= 150_000


def test_the_text_is_the_definition_and_the_same_each_time() -> None:
    assert render() == render()
    assert yaml.safe_load(render()) == definition()
    assert "&id" not in render()


def test_the_names_are_those_of_the_api() -> None:
    crd = definition()
    assert crd["metadata"]["name"] == "ocrservices.kubeocr.dev"
    assert crd["spec"]["names"] == {
        "plural": "ocrservices",
        "singular": "ocrservice",
        "kind": "OCRService",
        "listKind": "OCRServiceList",
        "shortNames": ["ocrs"],
        "categories": ["ocr"],
    }
    assert [(each["name"], each["served"], each["storage"]) for each in crd["spec"]["versions"]] == [
        ("v1alpha1", True, True)
    ]


def test_no_default_is_in_the_schema_but_told_in_the_description() -> None:
    assert "default:" not in render()
    spec = definition()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
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
    assert (folder / FILE_NAME).read_text() == render()
    assert main(["--check", str(folder)]) == 0


@pytest.mark.parametrize("content", [None, "", "kind: Other\n"])
def test_check_names_a_file_that_is_missing_or_outdated_and_leaves_it(
    tmp_path: Path, content: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / FILE_NAME
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
