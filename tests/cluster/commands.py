"""The command lines of the control plane's programs: what a test cluster needs and nothing of production."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tests.cluster.access import Access

Audit = Literal["Metadata", "RequestResponse"]
AUDIT_LOG = "audit.log"
SERVICE_RANGE = "10.96.0.0/16"


@dataclass(frozen=True)
class Site:
    """Where one control plane lives."""

    folder: Path
    programs: Path
    address: str
    api_port: int
    etcd_port: int
    etcd_peer_port: int

    @property
    def server(self) -> str:
        """The apiserver's URL."""
        return f"https://{self.address}:{self.api_port}"


def etcd(site: Site) -> list[str]:
    """The store; nothing of it outlives the cluster, so it never waits for the disk."""
    client = f"http://127.0.0.1:{site.etcd_port}"
    peer = f"http://127.0.0.1:{site.etcd_peer_port}"
    return [
        f"{site.programs}/etcd",
        f"--data-dir={site.folder}/etcd",
        "--unsafe-no-fsync",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        "--log-level=warn",
    ]


def apiserver(site: Site, access: Access, audit: Audit) -> list[str]:
    """The apiserver, with every request in its audit log."""
    policy = site.folder / "audit-policy.json"
    rules = {"omitStages": ["RequestReceived"], "rules": [{"level": audit}]}
    policy.write_text(json.dumps({"apiVersion": "audit.k8s.io/v1", "kind": "Policy", **rules}))
    certificate, key = access.serving
    return [
        f"{site.programs}/kube-apiserver",
        f"--etcd-servers=http://127.0.0.1:{site.etcd_port}",
        f"--bind-address={site.address}",
        f"--advertise-address={site.address}",
        f"--secure-port={site.api_port}",
        f"--tls-cert-file={certificate}",
        f"--tls-private-key-file={key}",
        f"--client-ca-file={access.ca}",
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        f"--service-account-key-file={access.signing_key}",
        f"--service-account-signing-key-file={access.signing_key}",
        f"--service-cluster-ip-range={SERVICE_RANGE}",
        "--allow-privileged=true",
        "--profiling=false",
        f"--audit-policy-file={policy}",
        f"--audit-log-path={site.folder / AUDIT_LOG}",
        "--audit-log-maxsize=2000",
        *_aggregation(access),
    ]


def _aggregation(access: Access) -> list[str]:
    """How the apiserver passes requests on to others that serve a part of the API, such as metrics-server."""
    certificate, key = access.pair("aggregator")
    return [
        f"--proxy-client-cert-file={certificate}",
        f"--proxy-client-key-file={key}",
        f"--requestheader-client-ca-file={access.ca}",
        "--requestheader-allowed-names=aggregator",
        "--requestheader-username-headers=X-Remote-User",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        "--enable-aggregator-routing=true",
    ]


def controller_manager(site: Site, access: Access, rate: int | None = None) -> list[str]:
    """The controllers; each is its own service account, as in a real cluster.

    `rate` is how many requests a second each may send, if not the default.
    """
    kubeconfig = access.kubeconfig("system:kube-controller-manager")
    return [
        f"{site.programs}/kube-controller-manager",
        *_client(kubeconfig, rate),
        f"--service-account-private-key-file={access.signing_key}",
        f"--root-ca-file={access.ca}",
        "--use-service-account-credentials=true",
        "--controllers=*,-node-ipam-controller",
        "--horizontal-pod-autoscaler-sync-period=2s",
        "--secure-port=0",
    ]


def scheduler(site: Site, access: Access, rate: int | None = None) -> list[str]:
    """The scheduler; `rate` as above."""
    kubeconfig = access.kubeconfig("system:kube-scheduler")
    return [f"{site.programs}/kube-scheduler", *_client(kubeconfig, rate), "--secure-port=0"]


def audit_events(folder: Path) -> Iterator[dict[str, Any]]:
    """What the apiserver of the site was asked so far: its audit events (audit.k8s.io/v1), oldest first."""
    with (folder / AUDIT_LOG).open() as lines:
        for line in lines:
            if line.endswith("\n"):
                yield json.loads(line)


def _client(kubeconfig: Path, rate: int | None) -> list[str]:
    names = ("kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig")
    limits = [] if rate is None else [f"--kube-api-qps={rate}", f"--kube-api-burst={rate}"]
    return [
        *(f"--{name}={kubeconfig}" for name in names),
        "--leader-elect=false",
        "--profiling=false",
        *limits,
    ]
