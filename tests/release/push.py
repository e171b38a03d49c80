"""Push the images and the chart to an OCI registry: `make push REGISTRY=host[:port][/path] [VERSION=1.2.3]`.

Registries on loopback are spoken to by plain HTTP, as Docker does. Credentials are in the files that
`skopeo login` (or `docker login`) and `helm registry login` write.
"""

import argparse
import ipaddress
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.cluster import debian
from tests.cluster.errors import ClusterError
from tests.cluster.gobuild import Say, say
from tests.cluster.helm import helm
from tests.cluster.images import PROGRAMS, build_images, reference, version
from tests.cluster.oci import OciArchive
from tests.cluster.steps import run
from tests.cluster.wheels import ROOT

CHART = ROOT / "charts" / "ocr-operator"
OPERANDS = ROOT / "operator" / "src" / "ocr_operator" / "operands.yaml"
DIST = ROOT / "dist"
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
# As in the chart's values.schema.json.
REGISTRY = re.compile(r"[a-z0-9.-]+(:[0-9]+)?(/[a-z0-9._/-]*[a-z0-9])?")
# As there; a tag has no +.
VERSION = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.]+)?")


@dataclass(frozen=True)
class Target:
    """Where to, and as which version."""

    registry: str
    version: str

    def __post_init__(self) -> None:
        """Raise ClusterError when there is no such place or version."""
        if not REGISTRY.fullmatch(self.registry):
            given = f"REGISTRY={self.registry} is none" if self.registry else "REGISTRY is not set"
            raise ClusterError(
                f"{given}: name a registry as host[:port][/path], REGISTRY=registry.example.com/ocr"
            )
        if not VERSION.fullmatch(self.version):
            raise ClusterError(f"VERSION={self.version} is none: write it as 1.2.3 or 1.2.3-rc.1")

    @property
    def is_plain(self) -> bool:
        """Whether the registry is on loopback, where there is no TLS."""
        host = re.split("[:/]", self.registry)[0]
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"

    @property
    def charts(self) -> str:
        """Where charts lie: beside the images the chart would take the name of the operator's image."""
        return f"{self.registry}/charts"

    def image(self, program: str) -> str:
        """The name of an image in the registry, without a tag."""
        return f"{self.registry}/ocr-{program}"


def push_images(target: Target, images: Mapping[str, Path], say: Say = say) -> dict[str, str]:
    """Copy the OCI archives, by program, as they are; return their digests."""
    if not shutil.which("skopeo"):
        debian.install(["skopeo"], "a push wants", say)
    flags = ["--quiet", "--preserve-digests", *(["--dest-tls-verify=false"] if target.is_plain else [])]
    for program, archive in images.items():
        name = f"{target.image(program)}:{target.version}"
        copy = ["copy", *flags, f"oci-archive:{archive}", f"docker://{name}"]
        run(["skopeo", "--insecure-policy", *copy], f"pushing {name}", say)
    return {program: OciArchive(archive).digest for program, archive in images.items()}


def push_chart(target: Target, say: Say = say) -> str:
    """Package the chart as this version and push it; return its digest."""
    versions = [f"--version={target.version}", f"--app-version={target.version}"]
    flags = ["--plain-http"] if target.is_plain else []
    with tempfile.TemporaryDirectory() as folder:
        package = [str(helm()), "package", str(CHART), *versions, f"--destination={folder}"]
        run(package, "packaging the chart", say)
        (file,) = Path(folder).glob("*.tgz")
        push = [str(helm()), "push", str(file), f"oci://{target.charts}", *flags]
        printed = run(push, f"pushing {target.charts}/{CHART.name}:{target.version}", say)
    found = DIGEST.search(printed)
    if not found:
        raise ClusterError(f"helm push named no digest: {printed}")
    return found.group()


def values(target: Target, digests: Mapping[str, str]) -> dict[str, Any]:
    """The chart's values that run exactly these images; `digests` are by program."""
    packaged = yaml.safe_load(OPERANDS.read_text())
    (operand,) = (each for each in packaged["versions"] if each["version"] == packaged["default"])
    own = {
        "version": target.version,
        "gateway": f"{target.image('gateway')}@{digests['gateway']}",
        "modelServer": f"{target.image('modelserver')}@{digests['modelserver']}",
        "models": operand["models"],
    }
    return {
        "registry": target.registry,
        "image": {"digest": digests["operator"]},
        "operands": {"default": target.version, "versions": [own]},
    }


def write_values(target: Target, digests: Mapping[str, str], folder: Path) -> Path:
    """Write the chart's values into the folder."""
    folder.mkdir(exist_ok=True)
    file = folder / f"values-{target.version}.yaml"
    # Through JSON no two members are one object, which YAML would write as an anchor.
    plain = json.loads(json.dumps(values(target, digests)))
    file.write_text(yaml.safe_dump(plain, sort_keys=False, width=110, default_flow_style=None))
    return file


def report(target: Target, digests: Mapping[str, str], chart: str, file: Path) -> str:
    """What is where, and how to install it with the values of the file."""
    location = f"{target.charts}/{CHART.name}"
    flag = " --plain-http" if target.is_plain else ""
    lines = [
        *(f"{target.image(program)}:{target.version}@{digest}" for program, digest in digests.items()),
        f"{location}:{target.version}@{chart}",
        "",
        f"helm install ocr-operator oci://{location} --version {target.version}{flag} \\",
        f"  --namespace ocr-system --create-namespace --values {os.path.relpath(file)}",
    ]
    return "\n".join(lines)


def digest_of(text: str) -> tuple[str, str]:
    """`gateway=sha256:...` of the command line."""
    program, _, digest = text.partition("=")
    if program not in PROGRAMS or not DIGEST.fullmatch(digest):
        raise argparse.ArgumentTypeError(f"PROGRAM=sha256:..., of {', '.join(PROGRAMS)}; not {text}")
    return program, digest


def main(argv: Sequence[str] | None = None) -> int:
    """Push, and print what is where."""
    parser = argparse.ArgumentParser(prog="python -m tests.release.push", description=__doc__)
    parser.add_argument("registry", help="host[:port][/path]")
    parser.add_argument("version", nargs="?", help="default: the project's")
    parser.add_argument(
        "--image",
        metavar="PROGRAM=DIGEST",
        type=digest_of,
        action="append",
        help="an image that is there already; with all three only the chart is pushed",
    )
    parser.add_argument("--folder", type=Path, default=DIST, help="for the values; default: %(default)s")
    arguments = parser.parse_args(argv)
    try:
        target = Target(arguments.registry, arguments.version or version())
        digests = dict(arguments.image or ())
        missing = [program for program in PROGRAMS if program not in digests]
        if missing:
            built = build_images(target.version)
            digests |= push_images(target, {each: built[reference(each, target.version)] for each in missing})
        chart = push_chart(target)
        print(report(target, digests, chart, write_values(target, digests, arguments.folder)))
    except ClusterError as error:
        print(f"push: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
