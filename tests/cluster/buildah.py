"""Images by buildah: the base out of Debian's packages, and what stands on it out of a Dockerfile."""

import hashlib
import os
import platform
import shutil
import subprocess
import time
from pathlib import Path

from tests.cluster.gobuild import Say
from tests.cluster.steps import run

PROGRAMS = ("buildah", "mmdebstrap", "runc")
REGISTRY = "localhost"

SUITE = "bookworm"
SUITE_PYTHON = "3.11"
BASE_PACKAGES = ("python3", "python3-venv", "usr-is-merged")
BASE_EXCLUDES = ("doc", "info", "locale", "man")
BASE_HOOKS = (
    # A third of the base, for a script that ran when it was made.
    "apt-get purge --yes --quiet libperl5.36 perl-modules-5.36",
    # Bytecode that holds whatever the time of its source is.
    f"python3 -m compileall -q -f --invalidation-mode unchecked-hash /usr/lib/python{SUITE_PYTHON}",
)
# The one time of everything in an image, so that the same content is the same image; 1980-01-01, the earliest
# that fits into a zip. https://reproducible-builds.org/specs/source-date-epoch/
EPOCH = "315532800"


def base_key() -> str:
    """What the base is made of. It is made anew every month, for Debian's security updates."""
    month = time.strftime("%Y-%m", time.gmtime())
    parts = [SUITE, *BASE_PACKAGES, *BASE_EXCLUDES, *BASE_HOOKS, EPOCH, platform.machine(), month]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


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
        hooks = [f'--customize-hook=chroot "$1" {command}' for command in BASE_HOOKS]
        include = f"--include={','.join(BASE_PACKAGES)}"
        command = ["mmdebstrap", "--variant=minbase", include, *excludes, *hooks, SUITE, str(archive)]
        run(command, f"making the base of Debian {SUITE} (about 30 s)", self._say, _environment())
        self._buildah("starting the base image", "from", "--name=base", "scratch")
        self._buildah("filling the base image", "add", "base", str(archive), "/")
        self._buildah("saving the base image", "commit", f"--timestamp={EPOCH}", "--rm", "base", self._base)
        archive.unlink()

    def build(self, context: Path, name: str, wheels: Path, target: Path) -> None:
        """Build the image `name` from a folder with its Dockerfile into the OCI archive `target`."""
        tag = name.rpartition(":")[2]
        arguments = {"BASE": self._base, "VERSION": tag, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "/wheels"}
        options = [f"--build-arg={key}={value}" for key, value in arguments.items()]
        options += [f"--timestamp={EPOCH}", f"--volume={wheels}:/wheels:ro", f"--tag={name}"]
        unfinished = target.with_name(".image.unfinished")
        unfinished.unlink(missing_ok=True)
        self._buildah(f"building {name}", "bud", *options, str(context))
        self._buildah(f"saving {name}", "push", name, f"oci-archive:{unfinished}:{name}")
        self._buildah(f"removing what the build of {name} left", "rmi", name)
        unfinished.rename(target)
        self._say(f"images: {name} is {target.stat().st_size / 1e6:.0f} MB")

    def _there(self, image: str) -> bool:
        command = self._command("inspect", image)
        return not subprocess.run(command, env=_environment(), capture_output=True, check=False).returncode

    def _buildah(self, what: str, *arguments: str) -> None:
        run(self._command(*arguments), what, self._say, _environment())

    def _command(self, *arguments: str) -> list[str]:
        return ["buildah", f"--root={self._folder}/root", f"--runroot={self._folder}/run", *arguments]


def _environment() -> dict[str, str]:
    # vfs and chroot need nothing of the kernel that a container would not allow.
    settings = {"BUILDAH_ISOLATION": "chroot", "STORAGE_DRIVER": "vfs", "SOURCE_DATE_EPOCH": EPOCH}
    return {**os.environ, **settings}
