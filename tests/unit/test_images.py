"""What goes into the images and when they are built anew."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from tests.cluster import images
from tests.cluster.errors import ClusterError
from tests.cluster.steps import run
from tests.cluster.wheels import requirements

PROGRAMS = pytest.mark.parametrize("program", images.PROGRAMS)


@pytest.fixture
def said() -> list[str]:
    """Lines of progress."""
    return []


def names(context: Path) -> set[str]:
    return {str(file.relative_to(context)) for file in context.rglob("*") if file.is_file()}


@PROGRAMS
def test_an_image_is_made_of_its_own_programs_sources(program: str, tmp_path: Path) -> None:
    found = names(images.snapshot(program, tmp_path / program))
    packages = {path.split("/")[2] for path in found if "/src/" in path}
    assert (
        packages
        == {
            "operator": {"ocr_operator"},
            "gateway": {"ocr_gateway", "ocr_wire"},
            "modelserver": {"ocr_modelserver", "ocr_wire"},
        }[program]
    )
    assert not {path for path in found if path.endswith(".pyc")}


@PROGRAMS
def test_docker_sees_what_the_dockerfile_copies_and_no_more(program: str) -> None:
    patterns = (images.ROOT / ".dockerignore").read_text().splitlines()
    seen = {pattern.removeprefix("!") for pattern in patterns if pattern.startswith("!")}
    dockerfile = (images.ROOT / program / "Dockerfile").read_text()
    copied = {
        name for line in re.findall(r"^COPY (?!--)(.+) ", dockerfile, re.MULTILINE) for name in line.split()
    }
    assert all(any(name == path or name.startswith(f"{path}/") for path in seen) for name in copied)
    assert "*" in patterns


def test_the_same_sources_are_not_built_again(tmp_path: Path) -> None:
    first, second = (images.snapshot("gateway", tmp_path / name) for name in ("first", "second"))
    assert images.fingerprint(first, "1.0.0") == images.fingerprint(second, "1.0.0")


@pytest.mark.parametrize(
    ("name", "addition", "another"),
    [
        ("Dockerfile", "\n", True),
        ("gateway/src/ocr_gateway/app.py", "\n", True),
        ("pyproject.toml", "[tool.hatch.metadata]\nallow-direct-references = true\n", True),
        ("pyproject.toml", "[tool.nobody]\nline-length = 1\n", False),
    ],
)
def test_a_change_of_what_the_image_is_made_of_is_another_image(
    name: str, addition: str, another: bool, tmp_path: Path
) -> None:
    context = images.snapshot("gateway", tmp_path / "gateway")
    before = images.fingerprint(context, "1.0.0")
    with (context / name).open("a") as file:
        file.write(addition)
    assert (images.fingerprint(context, "1.0.0") != before) is another


def test_wheels_of_every_program_and_model_are_downloaded_beforehand() -> None:
    libraries, models = requirements(images.PROGRAMS)
    assert {re.split(r"[~<>=]", each)[0] for each in libraries} >= {
        "hatchling",
        "kopf",
        "starlette",
        "onnxruntime",
    }
    assert all(re.fullmatch(r"[a-z-]+==[0-9.]+", each) for each in models)


def test_without_root_a_missing_program_is_one_clear_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(ClusterError, match=r"^images want .* buildah, mmdebstrap, runc: install them$"):
        images.build_images(say=print)


def test_a_step_that_fails_shows_the_end_of_what_it_printed(said: list[str]) -> None:
    script = "for i in range(100): print('line', i)\nraise SystemExit(3)"
    with pytest.raises(ClusterError, match=r"(?s)status 3.*line 99") as raised:
        run([sys.executable, "-c", script], "counting", said.append)
    assert "line 50" not in str(raised.value)
    assert said == ["counting"]


def test_only_the_last_used_images_are_kept(tmp_path: Path) -> None:
    for age in range(5):
        path = tmp_path / f"ocr-gateway-{age}.tar"
        path.touch()
        os.utime(path, (1000 - age, 1000 - age))
    images.keep_newest(tmp_path, "ocr-gateway-*.tar")
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"ocr-gateway-{age}.tar" for age in range(3)]
