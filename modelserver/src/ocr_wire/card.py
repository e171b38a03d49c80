"""What a model server says about the model that it serves, in the metadata of the protocol."""

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """One of the networks' sources: the package that it comes from, and its licence (SPDX)."""

    model_config = ConfigDict(frozen=True)

    name: str
    package: str
    version: str
    licence: str
    languages: tuple[str, ...]


class ModelCard(BaseModel):
    """A profile or a single model; `sha256` covers all that decides what is read, languages are BCP 47."""

    model_config = ConfigDict(frozen=True)

    name: str
    sha256: str
    languages: tuple[str, ...]
    parts: tuple[Part, ...]
