"""The catalogue, the files on disk, the threads, and the flags."""

import hashlib
from pathlib import Path

import pytest

from ocr_modelserver.config import Config
from ocr_modelserver.models.catalogue import Catalogue, Model, ModelError, ModelFile, Role, load_catalogue
from ocr_modelserver.models.store import default_models_dir, is_complete, read_role
from ocr_modelserver.threads import available_cpus

CONTENTS: dict[Role, bytes] = {"detect": b"d", "recognise": b"r", "characters": b"c"}


def model() -> Model:
    files = {
        role: ModelFile(path=f"pkg/models/{role}.onnx", sha256=hashlib.sha256(content).hexdigest())
        for role, content in CONTENTS.items()
    }
    return Model.model_validate(
        {"package": "pkg", "version": "1", "licence": "Apache-2.0", "languages": ["en"], "files": files}
    )


def write(directory: Path, **changed: bytes) -> None:
    (directory / "m").mkdir()
    for role, content in (CONTENTS | changed).items():
        (directory / "m" / f"{role}.onnx").write_bytes(content)


def test_every_model_of_the_catalogue_has_its_files_and_a_licence() -> None:
    catalogue = load_catalogue()

    assert catalogue.default in catalogue.profiles
    for entry in catalogue.models.values():
        assert {"detect", "recognise"} <= set(entry.files)
        assert entry.licence == "Apache-2.0"
        assert "en" in entry.languages


def test_an_unknown_model_is_refused_with_the_known_ones() -> None:
    with pytest.raises(
        ModelError, match="'gpt' is not in the catalogue; known are fast, balanced, accurate, ppocrv6-small"
    ):
        load_catalogue().profile("gpt")


def catalogue(**profiles: object) -> Catalogue:
    models = {"small": model(), "tiny": model()}
    return Catalogue.model_validate({"default": "small", "models": models, "profiles": profiles})


def test_a_model_alone_is_a_profile() -> None:
    assert catalogue().profile("tiny").models == ("tiny",)


def test_a_profile_names_every_model_that_takes_part_once() -> None:
    second = {"model": "small", "word_below": 0.9, "letter_below": 0.5}
    both = catalogue(both={"detect": "tiny", "recognise": "tiny", "second": second})

    assert both.profile("both").models == ("tiny", "small")
    assert both.names == ("both", "small", "tiny")


def test_the_digest_of_a_profile_changes_with_its_settings() -> None:
    def digest(letter: float) -> str:
        second = {"model": "small", "word_below": 0.9, "letter_below": letter}
        return catalogue(both={"detect": "tiny", "recognise": "tiny", "second": second}).sha256("both")

    assert digest(0.5) == digest(0.5) != digest(0.6)


def test_a_profile_of_a_model_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="profiles name models that are not there: huge"):
        catalogue(slow={"detect": "tiny", "recognise": "huge"})


def test_a_profile_with_the_name_of_a_model_is_refused() -> None:
    with pytest.raises(ValueError, match="profiles have names of models: tiny"):
        catalogue(tiny={"detect": "small", "recognise": "small"})


def test_a_catalogue_with_an_unknown_member_is_refused() -> None:
    with pytest.raises(ValueError, match="colour"):
        Catalogue.model_validate({"default": "m", "models": {}, "colour": "red"})


def test_verified_files_are_read(tmp_path: Path) -> None:
    write(tmp_path)

    assert {role: read_role(tmp_path, "m", model(), role) for role in CONTENTS} == CONTENTS
    assert is_complete(tmp_path, "m", model())


def test_a_wrong_file_is_named_with_the_command_that_fetches_it(tmp_path: Path) -> None:
    write(tmp_path, recognise=b"changed")

    with pytest.raises(ModelError) as caught:
        read_role(tmp_path, "m", model(), "recognise")

    assert f"{tmp_path}/m/recognise.onnx has sha256 {hashlib.sha256(b'changed').hexdigest()}" in str(
        caught.value
    )
    assert f"ocr-modelserver fetch-models --model m --dest {tmp_path}" in str(caught.value)
    assert not is_complete(tmp_path, "m", model())


def test_a_directory_in_place_of_a_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "m" / "detect.onnx").mkdir(parents=True)

    with pytest.raises(ModelError, match="cannot be read: Is a directory"):
        read_role(tmp_path, "m", model(), "detect")


def test_the_models_dir_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCR_MODELS_DIR", "/models")
    assert default_models_dir() == Path("/models")
    monkeypatch.delenv("OCR_MODELS_DIR")
    assert default_models_dir().parts[-3:] == ("share", "kubeocr", "models")


@pytest.mark.parametrize(
    ("files", "affinity", "cpus"),
    [
        ({}, 6, 6),
        ({"cpu.max": "max 100000"}, 6, 6),
        ({"cpu.max": "150000 100000"}, 6, 2),
        ({"cpu.max": "10000 100000"}, 6, 1),
        ({"cpu.max": "800000 100000"}, 2, 2),
        ({"cpu.max": "junk"}, 3, 3),
        ({"cpu/cpu.cfs_quota_us": "250000", "cpu/cpu.cfs_period_us": "100000"}, 6, 3),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, 6, 6),
        ({"cpu/cpu.cfs_quota_us": "100000", "cpu/cpu.cfs_period_us": "0"}, 6, 6),
    ],
)
def test_threads_are_the_cgroups_limit_rounded_up_within_the_affinity(
    tmp_path: Path, files: dict[str, str], affinity: int, cpus: int
) -> None:
    for name, content in files.items():
        path = tmp_path / "sys/fs/cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content + "\n")

    assert available_cpus(tmp_path, affinity) == cpus


def test_a_mode_divides_the_threads_between_pages_and_within_a_page() -> None:
    throughput = Config(Path(), threads=4)
    latency = Config(Path(), threads=4, mode="latency")

    assert (throughput.pages_at_once, throughput.detection_threads) == (4, 1)
    assert (latency.pages_at_once, latency.detection_threads) == (1, 4)


def test_a_page_of_raw_pixels_at_the_limit_fits_a_body() -> None:
    config = Config(Path(), threads=1)

    assert config.max_body_bytes > 3 * config.limits.max_pixels
    assert config.max_bytes_in_flight >= config.max_body_bytes
