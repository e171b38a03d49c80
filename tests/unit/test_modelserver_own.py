"""Models of the user's own: what the folder must have, and the digest that it is held to."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from ocr_modelserver.models.catalogue import ModelError
from ocr_modelserver.models.own import DigestMismatchError, read_own, read_verified
from ocr_modelserver.models.selection import of_folder

SAID: dict[str, Any] = {
    "version": "7",
    "licence": "MIT",
    "languages": ["en", "de"],
    "files": {"detect": "det.onnx", "recognise": "rec.onnx", "characters": "Letters.txt"},
}


def folder(tmp_path: Path, **changes: Any) -> Path:
    for name in SAID["files"].values():
        (tmp_path / name).write_bytes(name.encode())
    (tmp_path / "model.yaml").write_text(yaml.safe_dump(SAID | changes))
    return tmp_path


def test_the_digest_is_what_sha256sum_says(tmp_path: Path) -> None:
    command = "sha256sum model.yaml det.onnx rec.onnx Letters.txt | LC_ALL=C sort -k 2 | sha256sum"
    said = subprocess.run(["sh", "-c", command], cwd=folder(tmp_path), capture_output=True, check=True)

    assert read_own(tmp_path).sha256 == said.stdout.decode().split()[0]


def test_what_else_is_in_the_folder_does_not_count(tmp_path: Path) -> None:
    before = read_own(folder(tmp_path)).sha256
    (tmp_path / "lost+found").mkdir()
    (tmp_path / "NOTES").write_text("x")

    assert read_own(tmp_path).sha256 == before


@pytest.mark.parametrize("name", ["model.yaml", *SAID["files"].values()])
def test_every_byte_of_every_file_counts(tmp_path: Path, name: str) -> None:
    before = read_own(folder(tmp_path)).sha256
    with (tmp_path / name).open("ab") as file:
        file.write(b"\n")

    with pytest.raises(DigestMismatchError, match=f"has sha256 [0-9a-f]{{64}}, not {before}"):
        read_verified(tmp_path, before)


def test_a_verified_model_is_what_clients_are_told_and_what_is_read(tmp_path: Path) -> None:
    sha256 = read_own(folder(tmp_path, long_side=960)).sha256

    chosen = of_folder("mine", tmp_path, sha256)

    assert (chosen.card.name, chosen.card.sha256, chosen.card.languages) == ("mine", sha256, ("en", "de"))
    assert chosen.profile.models == ("mine",)
    assert chosen.profile.long_side == 960
    for name in SAID["files"].values():
        (tmp_path / name).write_bytes(b"changed since")
    assert {role: read() for role, read in chosen.files["mine"].items()} == {
        role: name.encode() for role, name in SAID["files"].items()
    }


def test_a_language_that_the_manifest_does_not_list_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="model mine reads the languages en, de, not 'fr'"):
        of_folder("mine", folder(tmp_path), None).check_languages(["fr"])


@pytest.mark.parametrize("name", ["model.yaml", "rec.onnx"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    (folder(tmp_path) / name).unlink()

    with pytest.raises(ModelError, match=f"model file {tmp_path}/{name} is missing; docs/models.md"):
        read_own(tmp_path)


def test_a_folder_in_place_of_a_file_is_one_line(tmp_path: Path) -> None:
    (folder(tmp_path) / "rec.onnx").unlink()
    (tmp_path / "rec.onnx").mkdir()

    with pytest.raises(ModelError, match=r"rec\.onnx cannot be read: Is a directory"):
        read_own(tmp_path)


def test_a_manifest_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "model.yaml").write_bytes(b"#" * 65537)

    with pytest.raises(ModelError, match=r"model\.yaml has 65537 bytes, more than 65536"):
        read_own(tmp_path)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"files": {"detect": "det.onnx"}}, "files must name one for recognise"),
        ({"files": SAID["files"] | {"detect": "../det.onnx"}}, "files.detect: String should match pattern"),
        ({"files": SAID["files"] | {"detect": "/det.onnx"}}, "files.detect: String should match pattern"),
        ({"files": SAID["files"] | {"paint": "x"}}, "Input should be 'detect', 'recognise' or 'characters'"),
        ({"languages": []}, "languages: Tuple should have at least 1 item"),
        ({"long_side": 100}, "long_side: Input should be greater than or equal to 320"),
        ({"colour": "red"}, "colour: Extra inputs are not permitted"),
    ],
)
def test_a_wrong_manifest_is_told_by_its_field(tmp_path: Path, changes: Any, says: str) -> None:
    with pytest.raises(ModelError, match=r"model\.yaml: ") as caught:
        read_own(folder(tmp_path, **changes))

    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("text", "says"), [("a: [", "is no YAML: "), ("", "the whole: Input should be")])
def test_a_manifest_that_is_none_is_told_in_one_line(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "model.yaml").write_text(text)

    with pytest.raises(ModelError, match=says) as caught:
        read_own(tmp_path)

    assert "\n" not in str(caught.value)
