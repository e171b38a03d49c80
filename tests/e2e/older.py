"""The operator of an older commit: what an upgrade comes from, and a rollback goes to."""

from __future__ import annotations

import io
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

from tests.cluster import images
from tests.cluster.node import Node
from tests.cluster.wheels import ROOT

TAG = "older"
# What makes another operator, and the manifests that each version of its operands is made of.
OPERATOR = ("operator/src", "charts/ocr-operator", "crds")
GOLDENS = "tests/golden"


class NoOlder(LookupError):  # noqa: N818 - it says why there is none
    """The history has no operator to come from."""


@dataclass(frozen=True)
class Older:
    """A commit and its sources, in a folder."""

    commit: str
    folder: Path

    @property
    def chart(self) -> Path:
        """Its chart, with its CRD."""
        return self.folder / "charts" / "ocr-operator"

    def import_image(self, node: Node) -> None:
        """Build its operator for the node, under TAG."""
        for archive in images.build_images(TAG, programs=("operator",), root=self.folder).values():
            node.import_image(archive)


def checkout(folder: Path) -> Older:
    """The newest older operator that runs the same operands; its sources are written into the folder.

    One that would make other manifests of the same operand version restarts pods rightly: that happens only
    before a version is released.

    Raises:
        NoOlder: there is none.
    """
    commit = _commit()
    with tarfile.open(fileobj=io.BytesIO(_git("archive", commit))) as archive:
        archive.extractall(folder, filter="data")
    return Older(commit, folder)


def _commit() -> str:
    try:
        commits = _git("rev-list", "--first-parent", "HEAD").decode().split()
    except (OSError, subprocess.CalledProcessError) as error:
        raise NoOlder(f"this is no Git repository: {error}") from error
    for commit in commits:
        if _changed(commit, *OPERATOR) and not _changed(commit, "--diff-filter=MDR", GOLDENS):
            return commit
    shallow = _git("rev-parse", "--is-shallow-repository").decode().strip() == "true"
    raise NoOlder(
        "the clone is shallow: git fetch --unshallow" if shallow else "no other operator has its manifests"
    )


def _changed(commit: str, *paths: str) -> bool:
    """Whether files differ between the commit and the working tree."""
    return bool(_git("diff", "--name-only", commit, *paths))


def _git(*args: str) -> bytes:
    return subprocess.run(["git", *args], cwd=ROOT, check=True, capture_output=True).stdout
