"""The three images from the project's own Dockerfiles, without a container engine's daemon.

`python -m tests.cluster.images` is `make images`. A machine that runs Docker needs none of this:
`docker build -f operator/Dockerfile .` gives the same image on the public Python base.
"""

import hashlib
import json
import re
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path

from tests.cluster import buildah, debian
from tests.cluster.errors import ClusterError
from tests.cluster.gobuild import Say, cache_folder, locked, say
from tests.cluster.oci import OciArchive
from tests.cluster.wheels import ROOT, download_wheels, pyproject

PROGRAMS = ("operator", "gateway", "modelserver")
REGISTRY = buildah.REGISTRY
KEPT = 3


def version() -> str:
    """The project's version, which is the images' tag."""
    return str(pyproject()["project"]["version"])


def reference(program: str, tag: str) -> str:
    """The full name of an image: `localhost/ocr-operator:0.1.0`."""
    return f"{REGISTRY}/ocr-{program}:{tag}"


def build_images(
    tag: str | None = None, say: Say = say, *, programs: Sequence[str] = PROGRAMS, root: Path = ROOT
) -> dict[str, Path]:
    """Build what changed of the sources at `root`; return the OCI archive of each image by its full name.

    Raises ClusterError when a program is missing and can't be installed, or when a build fails.
    """
    tag = tag or version()
    folder = cache_folder() / "images"
    with locked(folder / "lock"), tempfile.TemporaryDirectory() as scratch:
        contexts = {program: snapshot(program, Path(scratch) / program, root) for program in programs}
        targets = {
            program: folder / f"ocr-{program}-{tag}-{fingerprint(context, tag)}.oci.tar"
            for program, context in contexts.items()
        }
        missing = [program for program, target in targets.items() if not target.exists()]
        if missing:
            debian.install((name for name in buildah.PROGRAMS if not shutil.which(name)), "images want", say)
            wheels = download_wheels(folder, (*PROGRAMS, "tracing"), say)
            keep_newest(folder, "wheels-*")
            store = buildah.Store(folder / "store", say)
            store.prepare()
            for program in missing:
                store.build(contexts[program], reference(program, tag), wheels, targets[program])
        for program, target in targets.items():
            target.touch()
            keep_newest(folder, f"ocr-{program}-*.tar")
    return {reference(program, tag): target for program, target in targets.items()}


def snapshot(program: str, folder: Path, root: Path = ROOT) -> Path:
    """Copy what the program's Dockerfile copies, and itself: edits during a build change nothing of it."""
    dockerfile = (root / program / "Dockerfile").read_text()
    copied = re.findall(r"^COPY (?!--)(.+) \S+$", dockerfile, re.MULTILINE)
    for name in (".dockerignore", *(name for names in copied for name in names.split())):
        source, target = root / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    (folder / "Dockerfile").write_text(dockerfile)
    return folder


def fingerprint(context: Path, tag: str) -> str:
    """A short hash of everything of ours that decides what the image holds."""
    digest = hashlib.sha256(f"{tag}\0{buildah.base_key()}".encode())
    for file in sorted(file for file in context.rglob("*") if file.is_file()):
        content = _packaging(file) if file.name == "pyproject.toml" else file.read_bytes()
        digest.update(str(file.relative_to(context)).encode() + b"\0" + content + b"\0")
    return digest.hexdigest()[:16]


def _packaging(file: Path) -> bytes:
    """What a pyproject.toml says about packages; settings of linters and tests are in no image."""
    content = tomllib.loads(file.read_text())
    content["tool"] = content.get("tool", {}).get("hatch")
    return json.dumps(content, sort_keys=True).encode()


def keep_newest(folder: Path, pattern: str) -> None:
    """Delete all but the last used few files or folders that match the pattern."""
    found = sorted(folder.glob(pattern), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in found[KEPT:]:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def main() -> int:
    """Build the images and print each name with its digest and its file."""
    try:
        images = build_images()
    except ClusterError as error:
        say(f"images: {error}")
        return 1
    for name, path in images.items():
        print(f"{name}@{OciArchive(path).digest}  {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
