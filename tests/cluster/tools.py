"""The programs that the tests' Kubernetes is made of; each is built or downloaded on first use."""

import re
import shutil
import subprocess
from pathlib import Path

from tests.cluster import debian
from tests.cluster.gobuild import build

KUBERNETES = (
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kube-proxy",
    "kubelet",
    "kubectl",
)
ARGO_CD = (
    "argocd-application-controller",
    "argocd-applicationset-controller",
    "argocd-repo-server",
    "argocd-server",
)


def kubernetes() -> Path:
    """The folder with etcd, kubectl and the Kubernetes programs of one version."""
    return build("kubenode", aliases=KUBERNETES)


def coredns() -> Path:
    """The CoreDNS program."""
    return build("coredns") / "coredns"


def argocd() -> Path:
    """The folder with Argo CD's command line, controllers and servers."""
    return build("argocd", aliases=ARGO_CD)


def pause() -> Path:
    """The program of every pod's sandbox."""
    return build("pause") / "pause"


def probe() -> Path:
    """A tiny web server for the node's own tests."""
    return build("probe") / "probe"


def metrics_server() -> Path:
    """The program that serves the CPU and memory of pods as an API."""
    return build("metrics-server") / "metrics-server"


def kwok() -> Path:
    """The program that plays kubelets: its nodes are Ready and their pods run, with nothing behind them."""
    return build("kwok") / "kwok"


def prometheus_operator() -> Path:
    """The program that makes Prometheus' configuration out of ServiceMonitors and PrometheusRules."""
    return build("prometheus-operator") / "prometheus-operator"


def prometheus() -> Path:
    """Debian's Prometheus; `promtool` lies beside it."""
    if not shutil.which("prometheus"):
        debian.install(["prometheus"], "tests of rules and dashboards need")
    return Path(shutil.which("prometheus") or "/usr/bin/prometheus")


def prometheus_version() -> str:
    """The version of that Prometheus, such as `v2.42.0`."""
    said = subprocess.run([prometheus(), "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"version (\d+\.\d+\.\d+)", said)
    assert found, said
    return f"v{found.group(1)}"


def registry() -> Path:
    """The reference implementation of an OCI registry."""
    return build("registry") / "registry"


# In the order in which the suites ask for them.
BUILDS = (kubernetes, kwok, coredns, pause, metrics_server, registry, probe, prometheus_operator, argocd)


if __name__ == "__main__":
    for build_one in BUILDS:
        build_one()
