"""The operator on the real node: installed by Helm, upgraded, taken away and put back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cluster import images
from tests.cluster.dev import CHART, NAMESPACE, RELEASE
from tests.cluster.helm import Helm
from tests.cluster.kubectl import Kubectl
from tests.cluster.node import Node
from tests.cluster.upstreams import service_monitor_crd

# An operand version whose images are nowhere.
MISSING = "9.9.9"
NEXT_TAG = "next"


def values(**more: Any) -> dict[str, Any]:
    """The chart's values: images of this machine, and a version that cannot run."""
    nowhere = {
        "version": MISSING,
        "gateway": f"localhost/ocr-gateway:{MISSING}",
        "modelServer": f"localhost/ocr-modelserver:{MISSING}",
        "models": [{"name": "balanced", "sha256": "0" * 64, "languages": ["en"]}],
    }
    operands = {"versions": [nowhere], **more.pop("operands", {})}
    return {"registry": images.REGISTRY, "operands": operands, **more}


@dataclass(frozen=True)
class Platform:
    """The operator's release on a node."""

    node: Node

    @property
    def kubectl(self) -> Kubectl:
        """kubectl in the operator's namespace."""
        return self.node.kubectl(NAMESPACE)

    def install(self, chart: Path = CHART, **more: Any) -> None:
        """Install or upgrade, and wait until the operator is ready."""
        command = ["upgrade", "--install", RELEASE, str(chart), "--create-namespace", "--values=-"]
        # A test before has applied the CRDs with kubectl, and this chart's may differ: docs/operations.md.
        command.append("--force-conflicts")
        Helm(self.node.kubeconfig, NAMESPACE).run(*command, stdin=json.dumps(values(**more)))
        self.kubectl.run("rollout", "status", f"deployment/{RELEASE}", "--timeout=120s", seconds=130)

    @contextmanager
    def upgraded(self, **operands: Any) -> Iterator[None]:
        """Another image of the operator, with other operands: the chart's values of that name."""
        old, new = (images.reference("operator", tag) for tag in (images.version(), NEXT_TAG))
        self.node.ctr("images", "tag", "--force", old, new)
        self.install(image={"tag": NEXT_TAG}, operands=operands)
        yield
        self.install()

    @contextmanager
    def uninstalled(self) -> Iterator[None]:
        """No operator; CRDs and services stay."""
        Helm(self.node.kubeconfig, NAMESPACE).run("uninstall", RELEASE, "--wait")
        yield
        self.install()

    @contextmanager
    def service_monitor_crd(self) -> Iterator[None]:
        """The real CRD of ServiceMonitors."""
        crd = service_monitor_crd().read_text()
        self.kubectl.apply(crd, "--server-side")
        self.kubectl.established("crd/servicemonitors.monitoring.coreos.com")
        yield
        self.kubectl.run("delete", "--filename=-", "--wait=true", stdin=crd)
