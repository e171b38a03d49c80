"""A Git repository with what Argo CD syncs: this checkout's folders, with the addresses of a test."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.cluster.images import ROOT
from tests.cluster.processes import environment

FOLDERS = ("argocd", "charts", "crds")
EXAMPLE_URL = "https://git.example.com/platform/kubeocr.git"

Files = Mapping[str, dict[str, Any] | None]
Spec = dict[str, Any]


def service_file(environment: str, name: str = "invoices") -> str:
    """Where an environment's OCRService stands."""
    return f"argocd/services/{environment}/{name}/ocrservice.yaml"


def labelled(spec: Spec) -> Spec:
    """The spec with a change that restarts no pod."""
    annotated = {**spec["expose"]["service"], "annotations": {"example.com/team": "accounting"}}
    return {**spec, "expose": {"service": annotated}}


def service(spec: Spec, name: str = "invoices") -> dict[str, Any]:
    """The manifest of an OCRService."""
    return {
        "apiVersion": "kubeocr.dev/v1alpha1",
        "kind": "OCRService",
        "metadata": {"name": name},
        "spec": spec,
    }


class Repository:
    """A bare repository that Argo CD reads, and a work tree that commits to it."""

    def __init__(self, folder: Path, files: Files) -> None:
        """Make it in an empty folder, with one commit: the checkout, changed by `files`."""
        self._folder = folder
        self._bare = folder / "kubeocr.git"
        self.url = self._bare.as_uri()
        self.tree = folder / "tree"
        self._git("init", "--quiet", "--bare", "--initial-branch=main", str(self._bare), cwd=folder)
        self._git("clone", "--quiet", self.url, str(self.tree), cwd=folder)
        for name in FOLDERS:
            shutil.copytree(ROOT / name, self.tree / name)
        root = self.tree / "argocd" / "root.yaml"
        root.write_text(root.read_text().replace(EXAMPLE_URL, self.url))
        self._first = self.commit(files)

    @property
    def head(self) -> str:
        """The newest commit."""
        return self._git("rev-parse", "HEAD").strip()

    def commit(self, files: Files) -> str:
        """Write files (JSON is YAML), or delete those that are None, and push that; return the commit."""
        for name, content in files.items():
            path = self.tree / name
            if content is None:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(content))
        self._git("add", "--all")
        self._git("commit", "--quiet", "--message=change")
        self._git("push", "--quiet", "origin", "HEAD:main")
        return self.head

    def restore(self) -> None:
        """Go back to the first commit, by a force-push."""
        self._git("reset", "--quiet", "--hard", self._first)
        self._git("push", "--quiet", "--force", "origin", "HEAD:main")

    @contextmanager
    def away(self) -> Iterator[None]:
        """No repository at that address."""
        elsewhere = self._bare.with_suffix(".away")
        self._bare.rename(elsewhere)
        try:
            yield
        finally:
            elsewhere.rename(self._bare)

    def _git(self, *args: str, cwd: Path | None = None) -> str:
        identity = ("-c", "user.name=test", "-c", "user.email=test@example.com")
        result = subprocess.run(
            ["git", *identity, *args],
            cwd=cwd or self.tree,
            env=environment(self._folder),
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, f"git {' '.join(args)}: {result.stderr}"
        return result.stdout
