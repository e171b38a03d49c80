"""A real control plane, nodes that are played, and operators as the chart runs them."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.bench import environments
from tests.bench.fleet.audit import Audit
from tests.bench.gateway.programs import Program
from tests.cluster.commands import AUDIT_LOG
from tests.cluster.controlplane import ControlPlane, free_ports
from tests.cluster.fakenodes import PODS_PER_NODE, fake_nodes
from tests.cluster.kubectl import Kubectl
from tests.cluster.processes import Child, start
from tests.support.process import OPERANDS, ROOT, Running
from tests.unit.chart_kit import of_kind, rendered

NAMESPACE: Final = "ocr-system"
ACCOUNT: Final = "ocr-operator"
# Requests a second of each controller and the scheduler; with their 20 to 50 they would be measured.
RATE: Final = 1000
# What makes an operator possible; the process itself is ours.
INSTALLED: Final = frozenset(
    {"CustomResourceDefinition", "ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"}
)


@dataclass(frozen=True)
class World:
    """One cluster with the chart's rights and CRD in it."""

    control_plane: ControlPlane
    python: Path
    arguments: tuple[str, ...]
    kwok: Child

    def cpu_seconds(self) -> dict[str, float]:
        """What each program of the cluster has used so far, and we."""
        children = (*self.control_plane.children, self.kwok)
        used = {child.name: Program(child.process.pid, 0).cpu_seconds for child in children}
        return {**used, "client": time.process_time()}

    @property
    def audit(self) -> Audit:
        """What the operators ask for from now on."""
        user = f"system:serviceaccount:{NAMESPACE}:{ACCOUNT}"
        return Audit(self.control_plane.folder / AUDIT_LOG, user)

    def operator(self, name: str = "operator-0") -> Running:
        """Another operator process with the chart's flags, as the pod of that name."""
        (port,) = free_ports(1)
        kubeconfig = self.control_plane.service_account_kubeconfig(NAMESPACE, ACCOUNT)
        own = {"--kubeconfig": kubeconfig, "--operands": OPERANDS, "--health-port": port}
        flags = [flag for flag in self.arguments if flag.partition("=")[0] not in own]
        command = [
            "env",
            f"POD_NAME={name}",
            f"POD_NAMESPACE={NAMESPACE}",
            str(self.python),
            "-m",
            "ocr_operator",
        ]
        added = [f"{flag}={value}" for flag, value in own.items()]
        child = start(name, [*command, *flags, *added], self.control_plane.folder)
        return Running(child, f"http://127.0.0.1:{port}")


def usage(operator: Running) -> Program:
    """What an operator's process uses."""
    return Program(operator.pid, int(operator.url.rpartition(":")[2]))


@contextmanager
def world(pods: int) -> Iterator[World]:
    """A cluster with room for so many pods."""
    python = environments.interpreter(environments.operator(ROOT))
    with ControlPlane(scheduler=True, rate=RATE) as control_plane:
        manifests = rendered({}, NAMESPACE)
        kubectl = Kubectl(control_plane.kubeconfig, NAMESPACE)
        kubectl.run("create", "namespace", NAMESPACE)
        for manifest in manifests:
            if manifest["kind"] in INSTALLED and "helm.sh/hook" not in _annotations(manifest):
                kubectl.apply(manifest, "--server-side")
        kubectl.established("crd/ocrservices.kubeocr.dev", "crd/ocrprofiles.kubeocr.dev")
        with fake_nodes(control_plane, 1 + pods // PODS_PER_NODE) as kwok:
            yield World(control_plane, python, _arguments(manifests), kwok)


def _annotations(manifest: dict[str, Any]) -> dict[str, str]:
    return manifest["metadata"].get("annotations") or {}


def _arguments(manifests: list[dict[str, Any]]) -> tuple[str, ...]:
    (container,) = of_kind(manifests, "Deployment")["spec"]["template"]["spec"]["containers"]
    return tuple(container["args"])
