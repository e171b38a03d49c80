"""Images that hold one static program and nothing else, written without any image tool."""

import hashlib
import io
import json
import platform
import tarfile
from pathlib import Path

NOBODY = "65534:65534"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def image(program: Path, reference: str, target: Path) -> Path:
    """Write at `target` a docker archive of the image `reference`, which runs the program as nobody."""
    inside = f"/{program.name}"
    layer = _tar({inside.lstrip("/"): (program.read_bytes(), 0o755)})
    config = {
        "architecture": ARCHITECTURES.get(platform.machine(), platform.machine()),
        "os": "linux",
        "config": {"Entrypoint": [inside], "User": NOBODY},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
        "history": [{"created_by": "kubeocr tests"}],
    }
    manifest = [{"Config": "config.json", "RepoTags": [reference], "Layers": ["layer.tar"]}]
    files = {
        "config.json": (json.dumps(config).encode(), 0o644),
        "manifest.json": (json.dumps(manifest).encode(), 0o644),
        "layer.tar": (layer, 0o644),
    }
    target.write_bytes(_tar(files))
    return target


def _tar(files: dict[str, tuple[bytes, int]]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, (content, mode) in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), mode
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()
