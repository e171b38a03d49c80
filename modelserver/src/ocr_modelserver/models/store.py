"""Model files on disk: `<models dir>/<model>/<file>`, read only if their sha256 is the catalogue's."""

import hashlib
import os
import sys
from pathlib import Path

from ocr_modelserver.models.catalogue import Model, ModelError, ModelFile, Role


def default_models_dir() -> Path:
    """`$OCR_MODELS_DIR`, else a folder of the Python environment."""
    configured = os.environ.get("OCR_MODELS_DIR")
    return Path(configured) if configured else Path(sys.prefix) / "share" / "kubeocr" / "models"


def read_role(directory: Path, name: str, model: Model, role: Role) -> bytes:
    """The content of the model's file for that role, verified.

    Raises:
        ModelError: it is missing, unreadable or not the catalogue's.
    """
    return _read(directory, name, model.files[role])


def is_complete(directory: Path, name: str, model: Model) -> bool:
    """Whether every file of the model is there and verified."""
    try:
        for file in model.files.values():
            _read(directory, name, file)
    except ModelError:
        return False
    return True


def _read(directory: Path, name: str, file: ModelFile) -> bytes:
    path = directory / name / file.name
    remedy = f"run: ocr-modelserver fetch-models --model {name} --dest {directory}"
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise ModelError(f"model file {path} is missing; {remedy}") from None
    except OSError as error:
        raise ModelError(f"model file {path} cannot be read: {error.strerror}; {remedy}") from None
    actual = hashlib.sha256(content).hexdigest()
    if actual != file.sha256:
        raise ModelError(f"model file {path} has sha256 {actual}, not {file.sha256}; {remedy}")
    return content
