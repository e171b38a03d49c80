"""A model of a user's own: a copy of a catalogue model's files under another name."""

import shutil
from pathlib import Path

import yaml

from ocr_modelserver.models.store import default_models_dir

SAID = {"version": "2026-11", "licence": "Apache-2.0", "languages": ["en", "de"]}
FILES = {"detect": "det.onnx", "recognise": "rec.onnx", "characters": "ppocrv6_tiny_dict.txt"}


def own_model(folder: Path) -> Path:
    """Make the folder of an own model."""
    folder.mkdir(parents=True)
    for name in FILES.values():
        shutil.copyfile(default_models_dir() / "ppocrv6-tiny" / name, folder / name)
    (folder / "model.yaml").write_text(yaml.safe_dump({**SAID, "files": FILES}))
    return folder
