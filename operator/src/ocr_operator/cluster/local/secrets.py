"""The kubelet's Secret volumes: Secrets of the user's file, as folders of private files for the programs."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import Base64Bytes, BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from ocr_operator.cluster.local.store import Store
from ocr_operator.models.base import KEY_FORM, ObjectName
from ocr_operator.models.manifest import SECRET, Manifest, Ref

PRIVATE_FOLDER: Final = 0o700
PRIVATE_FILE: Final = 0o600
Name = Annotated[str, Field(max_length=253), KEY_FORM]


class InvalidSecretError(Exception):
    """A Secret that an API server would not take; the message names the field and shows no value."""


class _Metadata(BaseModel):
    name: ObjectName
    namespace: ObjectName = "default"


class _Secret(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="forbid")

    api_version: Literal["v1"]
    kind: Literal["Secret"]
    metadata: _Metadata
    type: str = "Opaque"
    immutable: bool = False
    data: Mapping[Name, Base64Bytes] = {}
    string_data: Mapping[Name, str] = {}


def secret(document: Mapping[str, Any]) -> Manifest:
    """The Secret as the API server would store it. Raises InvalidSecretError."""
    try:
        given = _Secret.model_validate(document)
    except ValidationError as error:
        said = (f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False))
        raise InvalidSecretError("; ".join(said)) from None
    content = {**given.data, **{name: text.encode() for name, text in given.string_data.items()}}
    return {
        "apiVersion": SECRET.api_version,
        "kind": SECRET.kind,
        "metadata": given.metadata.model_dump(),
        "data": {name: base64.b64encode(value).decode() for name, value in content.items()},
    }


class SecretFolders:
    """Every Secret of the store as a folder of `root(namespace)`, in step with the store."""

    def __init__(self, store: Store, root: Callable[[str], Path]) -> None:
        self._store = store
        self._root = root
        store.subscribe(self._changed)

    def _changed(self, ref: Ref, live: Manifest) -> None:
        if ref.kind != SECRET:
            return
        folder = self._root(ref.namespace) / ref.name
        if self._store.read(ref) is None:
            shutil.rmtree(folder, ignore_errors=True)
            return
        folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        for path in folder.iterdir():
            if path.name not in live["data"]:
                path.unlink()
        for name, value in live["data"].items():
            _replace(folder / name, base64.b64decode(value))


def _replace(path: Path, content: bytes) -> None:
    """A reader finds the old file or the new one, never a part."""
    fresh = path.with_name(f"..{path.name}.new")
    fresh.touch(PRIVATE_FILE)
    fresh.write_bytes(content)
    fresh.replace(path)
