"""The configuration and command lines of what runs on a node: containerd, the kubelet and kube-proxy."""

import json
import shutil
from pathlib import Path
from typing import Any

from tests.cluster.access import Access
from tests.cluster.commands import Site
from tests.cluster.processes import environment

POD_RANGE = "10.244.0.0/24"
DNS_ADDRESS = "10.96.0.10"
PAUSE_IMAGE = "localhost/pause:1"
CONTAINERD_SOCKET = "/run/containerd/containerd.sock"

# Paths that a program on the node has built in, or has by default. Each node sees a folder of its own there.
PRIVATE_FOLDERS = (
    "/etc/cni",
    "/run/containerd",
    "/var/lib/cni",
    "/var/lib/containerd",
    "/var/lib/kubelet",
    "/var/log/containers",
    "/var/log/pods",
)
# The kubelet would set these for the whole machine; it reads from files of the node's own that they are so.
KERNEL_SETTINGS = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}
CNI_FOLDERS = ("/usr/lib/cni", "/opt/cni/bin")


def inside(folder: Path, path: str) -> Path:
    """Where in the node's folder the file lies that the node sees at `path`."""
    return folder / "fs" / path.lstrip("/")


def containerd(folder: Path, node: str) -> list[str]:
    """The command that gives the node its own view of some paths and then becomes containerd."""
    _write_cni(folder, node)
    _containerd_config(folder).write_text(CONTAINERD.format(pause=PAUSE_IMAGE, cni=cni_folder()))
    steps = ["set -e", "mount --make-rshared /"]
    for path in PRIVATE_FOLDERS:
        for place in (inside(folder, path), Path(path)):
            place.mkdir(parents=True, exist_ok=True)
        steps.append(f"mount --bind {inside(folder, path)} {path}")
    for name, value in KERNEL_SETTINGS.items():
        file = inside(folder, f"/proc/sys/{name}")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{value}\n")
        steps.append(f"mount --bind {file} /proc/sys/{name}")
    steps.append(f"exec {' '.join(containerd_alone(folder))}")
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", "; ".join(steps)]


def containerd_alone(folder: Path) -> list[str]:
    """The command of containerd where the node's view of the paths is given already."""
    return ["containerd", "--config", str(_containerd_config(folder))]


def _containerd_config(folder: Path) -> Path:
    return folder / "containerd.toml"


# restrict_oom_score_adj: without CAP_SYS_RESOURCE runc may not lower it, and fails otherwise.
CONTAINERD = """\
version = 2
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause}"
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{cni}"
    conf_dir = "/etc/cni/net.d"
"""


def cni_folder() -> Path | None:
    """The folder of the CNI plugins, None if they are not installed."""
    return next((Path(folder) for folder in CNI_FOLDERS if Path(folder, "ptp").exists()), None)


def _write_cni(folder: Path, node: str) -> None:
    """Write the pods' network: each has a link of its own to the node and everything is routed.

    On a bridge, answers between pods would take the short way past the Services' address translation
    wherever the kernel has no br_netfilter.
    """
    ipam = {"type": "host-local", "ranges": [[{"subnet": POD_RANGE}]], "routes": [{"dst": "0.0.0.0/0"}]}
    config = {
        "cniVersion": "0.4.0",
        "name": node,
        "plugins": [{"type": "ptp", "ipMasq": False, "ipam": ipam}],
    }
    path = inside(folder, "/etc/cni/net.d/10-pods.conflist")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(config))


def kubelet(site: Site, access: Access, node: str) -> list[str]:
    """The kubelet."""
    user = f"system:node:{node}"
    kubeconfig = access.kubeconfig(user, ["system:nodes"])
    certificate, key = access.pair("kubelet", hosts=[site.address, node])
    config = site.folder / "kubelet.json"
    config.write_text(json.dumps(_kubelet_config(site, access, node) | serving(certificate, key)))
    return [
        f"{site.programs}/kubelet",
        f"--config={config}",
        f"--kubeconfig={kubeconfig}",
        f"--hostname-override={node}",
        f"--node-ip={site.address}",
    ]


def serving(certificate: Path, key: Path) -> dict[str, str]:
    """The kubelet's own certificate; with one that it made itself exec and logs would fail."""
    return {"tlsCertFile": str(certificate), "tlsPrivateKeyFile": str(key)}


def _kubelet_config(site: Site, access: Access, node: str) -> dict[str, Any]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": site.address,
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(access.ca)},
        },
        "authorization": {"mode": "Webhook"},
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{node}",
        "clusterDNS": [DNS_ADDRESS],
        "clusterDomain": "cluster.local",
        "containerRuntimeEndpoint": f"unix://{CONTAINERD_SOCKET}",
        "evictionHard": {"memory.available": "50Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
        "failCgroupV1": False,
        "failSwapOn": False,
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "oomScoreAdj": 0,
        "resolvConf": "",
    }


def kube_proxy(site: Site, access: Access, node: str) -> list[str]:
    """kube-proxy, leaving the connection tracking limits of the machine as they are."""
    kubeconfig = access.kubeconfig("system:kube-proxy")
    return [
        f"{site.programs}/kube-proxy",
        f"--kubeconfig={kubeconfig}",
        f"--hostname-override={node}",
        f"--cluster-cidr={POD_RANGE}",
        "--proxy-mode=nftables",
        "--conntrack-max-per-core=0",
        "--conntrack-tcp-timeout-established=0",
        "--conntrack-tcp-timeout-close-wait=0",
        "--oom-score-adj=0",
    ]


# Program -> the Debian package that has it.
PACKAGES = {
    "containerd": "containerd",
    "runc": "runc",
    "nft": "nftables",
    "ip": "iproute2",
    "mount": "mount",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
    "unshare": "util-linux",
}


def missing_packages() -> list[str]:
    """The Debian packages that a node needs and this machine lacks."""
    path = environment(Path("/"))["PATH"]
    missing = {package for program, package in PACKAGES.items() if not shutil.which(program, path=path)}
    if not cni_folder():
        missing.add("containernetworking-plugins")
    return sorted(missing)
