"""Operand versions: which images and models each version of gateway and model server consists of."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from ocr_operator.models.base import Part
from ocr_operator.models.semver import is_release, precedence
from ocr_operator.models.spec import SEMVER


class CatalogueEntry(Part):
    """A model that an operand version brings, and the languages (BCP 47) that it reads."""

    name: Annotated[str, Field(min_length=1)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    languages: Annotated[tuple[str, ...], Field(min_length=1)]


class Operand(Part):
    """One version of gateway and model server."""

    version: Annotated[str, Field(pattern=SEMVER.pattern)]
    gateway: Annotated[str, Field(min_length=1)]
    model_server: Annotated[str, Field(min_length=1)]
    models: Annotated[tuple[CatalogueEntry, ...], Field(min_length=1)]

    def model(self, name: str) -> CatalogueEntry | None:
        """The catalogue entry of that name."""
        return next((entry for entry in self.models if entry.name == name), None)


class Operands(Part):
    """All versions that this operator can render, and the one for services that name none."""

    default: str
    versions: Annotated[tuple[Operand, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _default_is_there(self) -> Self:
        if self.find(self.default) is None:
            raise ValueError(f"default {self.default!r} is none of versions: {', '.join(self.names)}")
        if len(set(self.names)) < len(self.names):
            raise ValueError(f"versions has an entry twice: {', '.join(self.names)}")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """All version strings."""
        return tuple(operand.version for operand in self.versions)

    @property
    def newest(self) -> str:
        """The newest release, or the default if it is newer: a pre-release counts only as that."""
        return max((*filter(is_release, self.names), self.default), key=precedence)

    def newer_than(self, version: str) -> str | None:
        """The newest version, if it is newer than that one."""
        return self.newest if precedence(self.newest) > precedence(version) else None

    def find(self, version: str) -> Operand | None:
        """The operand of that version."""
        return next((operand for operand in self.versions if operand.version == version), None)
