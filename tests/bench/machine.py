"""What a run stands on: processor, cores, versions, commit."""

import os
import platform
import re
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Run:
    """The circumstances of a run, for the report."""

    date: str
    command: str
    commit: str
    processor: str
    cores: int
    memory_gib: float
    versions: dict[str, str]
    seed: int
    pages: int
    sets: tuple[str, ...]


def describe(command: str, *, cores: int, seed: int, pages: int, sets: tuple[str, ...]) -> Run:
    """This machine, now."""
    names = ("kubeocr", "onnxruntime", "opencv-python-headless", "numpy", "pillow")
    return Run(
        date=datetime.now(UTC).strftime("%Y-%m-%d"),
        command=command,
        commit=commit(),
        processor=processor(),
        cores=cores,
        memory_gib=os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / (1 << 30),
        versions={"Python": platform.python_version(), **{name: version(name) for name in names}},
        seed=seed,
        pages=pages,
        sets=sets,
    )


def processor() -> str:
    """Its name, and what makes inference fast."""
    text = Path("/proc/cpuinfo").read_text()
    names = re.findall(r"model name\s*: (.*)", text)
    extras = [flag for flag in ("avx2", "avx512f", "avx512_vnni", "amx_int8") if f" {flag} " in text]
    return f"{names[0] if names else platform.machine()} ({', '.join(extras) or 'no AVX2'})"


def commit() -> str:
    """The commit of this checkout, and whether it is changed; other than in docs, where benchmarks write."""
    head = _git("rev-parse", "--short", "HEAD")
    changes = _git("status", "--porcelain", "--untracked-files=no", "--", ":/", ":(top,exclude)docs")
    return f"{head}-dirty" if changes else head or "unknown"


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    return done.stdout.strip()
