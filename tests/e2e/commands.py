"""Commands as people type them, with kubectl, helm and kubectl ocr of this checkout, on the node."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.helm import helm
from tests.cluster.images import ROOT
from tests.cluster.kubectl import client_environment
from tests.cluster.node import Node
from tests.cluster.tools import kubernetes

SECONDS = 600


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    status: int
    out: str
    err: str


def run(node: Node, command: list[str], *, folder: Path = ROOT, **variables: str) -> Ended:
    """Run it in the folder; its programs are found on the PATH, its cluster is the node."""
    environment = client_environment(node.kubeconfig)
    programs = [kubernetes(), helm().parent, Path(sys.executable).parent]
    path = os.pathsep.join([*map(str, programs), environment["PATH"]])
    done = subprocess.run(
        command,
        cwd=folder,
        env={**environment, "PATH": path, **variables},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)
