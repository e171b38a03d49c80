"""Reads OCI archives: tar files of an image in the OCI layout.

https://github.com/opencontainers/image-spec/blob/v1.1.0/image-layout.md
"""

import json
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class OciArchive:
    """An archive with one image."""

    path: Path

    @property
    def digest(self) -> str:
        """The digest of the image's manifest, `sha256:...`, by which a registry knows it."""
        with tarfile.open(self.path) as archive:
            return _digest(archive)

    @property
    def config(self) -> dict[str, Any]:
        """The image's configuration: architecture, labels, entry point."""
        with tarfile.open(self.path) as archive:
            found: dict[str, Any] = _blob(archive, _manifest(archive)["config"]["digest"])
            return found

    def files(self, wanted: Callable[[str], bool]) -> dict[str, bytes]:
        """The content of the image's regular files whose path, without a slash at its start, is wanted."""
        found = {}
        with tarfile.open(self.path) as archive:
            for layer in _manifest(archive)["layers"]:
                with tarfile.open(fileobj=_file(archive, layer["digest"]), mode="r:*") as content:
                    for member in content:
                        path = member.name.removeprefix("./")
                        if member.isfile() and wanted(path) and (file := content.extractfile(member)):
                            found[path] = file.read()
        return found


def _digest(archive: tarfile.TarFile) -> str:
    (manifest,) = json.load(_member(archive, "index.json"))["manifests"]
    return str(manifest["digest"])


def _manifest(archive: tarfile.TarFile) -> dict[str, Any]:
    found: dict[str, Any] = _blob(archive, _digest(archive))
    return found


def _blob(archive: tarfile.TarFile, digest: str) -> Any:
    return json.load(_file(archive, digest))


def _file(archive: tarfile.TarFile, digest: str) -> Any:
    return _member(archive, f"blobs/{digest.replace(':', '/')}")


def _member(archive: tarfile.TarFile, name: str) -> Any:
    file = archive.extractfile(name)
    assert file, f"{name} is no file"
    return file
