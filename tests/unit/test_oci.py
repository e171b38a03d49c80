"""What is read out of an OCI archive."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.oci import OciArchive


def tar(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


@pytest.fixture
def archive(tmp_path: Path) -> OciArchive:
    """An image of two layers, one of them compressed; both have a file `etc/name`."""
    blobs: dict[str, bytes] = {}

    def keep(content: bytes) -> dict[str, Any]:
        digest = hashlib.sha256(content).hexdigest()
        blobs[f"blobs/sha256/{digest}"] = content
        return {"digest": f"sha256:{digest}", "size": len(content)}

    lower = tar({"etc/name": b"old", "./etc/kept": b"kept"})
    layers = [keep(lower), keep(gzip.compress(tar({"etc/name": b"new"})))]
    config = keep(json.dumps({"architecture": "arm64"}).encode())
    manifest = keep(json.dumps({"config": config, "layers": layers}).encode())
    path = tmp_path / "image.tar"
    path.write_bytes(tar({"index.json": json.dumps({"manifests": [manifest]}).encode(), **blobs}))
    return OciArchive(path)


def test_its_digest_is_that_of_the_manifest(archive: OciArchive) -> None:
    with tarfile.open(archive.path) as content:
        blob = content.extractfile(f"blobs/{archive.digest.replace(':', '/')}")
        assert blob
        assert f"sha256:{hashlib.sha256(blob.read()).hexdigest()}" == archive.digest
    assert archive.config == {"architecture": "arm64"}


def test_a_file_of_a_later_layer_hides_the_one_below(archive: OciArchive) -> None:
    assert archive.files(lambda path: path.startswith("etc/")) == {"etc/name": b"new", "etc/kept": b"kept"}


def test_only_wanted_files_are_read(archive: OciArchive) -> None:
    assert archive.files(lambda path: path == "etc/kept") == {"etc/kept": b"kept"}
