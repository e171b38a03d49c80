"""The programs that the tests' Kubernetes is made of; each is built or downloaded on first use."""

from pathlib import Path

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


def kubernetes() -> Path:
    """The folder with etcd, kubectl and the Kubernetes programs of one version."""
    return build("kubenode", aliases=KUBERNETES)


def coredns() -> Path:
    """The CoreDNS program."""
    return build("coredns") / "coredns"


def pause() -> Path:
    """The program of every pod's sandbox."""
    return build("pause") / "pause"


def probe() -> Path:
    """A tiny web server for the node's own tests."""
    return build("probe") / "probe"
