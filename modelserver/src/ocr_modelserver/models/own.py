"""A model of the user's own: a folder with `model.yaml` and the files that it names, held to one sha256."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ocr_modelserver.models.catalogue import ModelError, Role

MANIFEST: Final = "model.yaml"
MAX_MANIFEST_BYTES: Final = 64 << 10
MAX_FILE_BYTES: Final = 2 << 30  # protobuf, and so ONNX in one file, has no more

# A plain name: nothing that is named lies outside the folder.
_FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][-A-Za-z0-9_.]*$", max_length=255)]
_Text = Annotated[str, Field(min_length=1, max_length=255)]


class DigestMismatchError(ModelError):
    """The files are not those that were asked for."""

    # EX_DATAERR of sysexits.h; the operator tells by it why the container ended.
    exit_code = 65


class Manifest(BaseModel):
    """`model.yaml`: what the model is, and which file has which role.

    `long_side` is how many pixels of a page are shown to the detector; languages are BCP 47.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: _Text
    licence: _Text
    languages: Annotated[tuple[_Text, ...], Field(min_length=1, max_length=512)]
    long_side: int = Field(default=1280, ge=320, le=1280)
    files: dict[Role, _FileName]

    @model_validator(mode="after")
    def _can_read(self) -> Self:
        if missing := {"detect", "recognise"} - self.files.keys():
            raise ValueError(f"files must name one for {' and for '.join(sorted(missing))}")
        return self


@dataclass(frozen=True, slots=True)
class OwnModel:
    """An own model as it was read: its manifest, and the content of its files by name."""

    manifest: Manifest
    contents: Mapping[str, bytes]

    @property
    def sha256(self) -> str:
        """The model's digest."""
        return digest({name: hashlib.sha256(content).hexdigest() for name, content in self.contents.items()})


def digest(sums: Mapping[str, str]) -> str:
    """What `sha256sum model.yaml FILES | LC_ALL=C sort -k 2 | sha256sum` prints, of the files' sums."""
    lines = (f"{sha256}  {name}\n" for name, sha256 in sorted(sums.items()))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def read_own(folder: Path) -> OwnModel:
    """Read the model of a folder, each file once: what is verified is what is used.

    Raises:
        ModelError: a file is missing, too large or unreadable, or `model.yaml` is wrong.
    """
    text = _read(folder / MANIFEST, MAX_MANIFEST_BYTES)
    manifest = parse_manifest(str(folder / MANIFEST), text)
    names = dict.fromkeys(manifest.files.values())
    return OwnModel(manifest, {MANIFEST: text, **{n: _read(folder / n, MAX_FILE_BYTES) for n in names}})


def read_verified(folder: Path, sha256: str | None) -> OwnModel:
    """Read the model of a folder and hold it to its sha256, if one is asked for.

    Raises:
        DigestMismatchError: it is another one.
        ModelError: it cannot be read.
    """
    model = read_own(folder)
    if sha256 is not None and model.sha256 != sha256:
        raise DigestMismatchError(
            f"the model in {folder} has sha256 {model.sha256}, not {sha256}; "
            "bring back its files, or ask for this sha256 if they are the right ones"
        )
    return model


def parse_manifest(place: str, text: bytes) -> Manifest:
    """What `model.yaml` says; the place is for messages.

    Raises:
        ModelError: it is wrong.
    """
    try:
        return Manifest.model_validate(yaml.safe_load(text))
    except yaml.YAMLError as error:
        raise ModelError(f"{place} is no YAML: {' '.join(str(error).split())}") from None
    except ValidationError as error:
        found = "; ".join(
            f"{'.'.join(map(str, each['loc'])) or 'the whole'}: {each['msg'].removeprefix('Value error, ')}"
            for each in error.errors()
        )
        raise ModelError(f"{place}: {found}") from None


def _read(path: Path, most: int) -> bytes:
    try:
        if (size := path.stat().st_size) > most:
            raise ModelError(f"model file {path} has {size} bytes, more than {most}")
        return path.read_bytes()
    except FileNotFoundError:
        raise ModelError(f"model file {path} is missing; docs/models.md has what must be there") from None
    except OSError as error:
        raise ModelError(f"model file {path} cannot be read: {error.strerror}") from None
