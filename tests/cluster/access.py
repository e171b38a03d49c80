"""Who may talk to a cluster: its CA, the servers' certificates and kubeconfigs for anyone."""

from collections.abc import Sequence
from pathlib import Path

import yaml

from tests.cluster import pki
from tests.cluster.kubectl import Kubectl


class Access:
    """The credentials of one cluster, in one folder. The CA's key stays in memory."""

    def __init__(self, folder: Path, server: str, hosts: Sequence[str]) -> None:
        """Make a CA and write what the apiserver at the URL `server`, known by the names `hosts`, needs."""
        self.folder = folder
        self.server = server
        folder.mkdir(mode=0o700)
        self._authority = pki.Authority.create()
        self.ca = folder / "ca.crt"
        self.ca.write_bytes(self._authority.certificate)
        self.signing_key = folder / "service-accounts.key"
        pki.write_private(self.signing_key, pki.signing_key())
        self.serving = self.pair("apiserver", hosts=hosts)
        self.admin = self.kubeconfig("admin", ["system:masters"])

    def pair(
        self, name: str, groups: Sequence[str] = (), hosts: Sequence[str] = (), file: str | None = None
    ) -> tuple[Path, Path]:
        """Issue a certificate of the cluster's CA and return the paths of certificate and key."""
        return self._authority.issue(name, groups, hosts).write(self.folder, file or name)

    def kubeconfig(self, user: str, groups: Sequence[str] = ()) -> Path:
        """Write a kubeconfig with which `user`, a member of `groups`, reaches the cluster."""
        pair = self._authority.issue(user, groups)
        name = user.replace(":", "-")
        path = self.folder / f"{name}.kubeconfig"
        content = pki.kubeconfig(self.server, self._authority.certificate, pki.client(pair), name)
        pki.write_private(path, content.encode())
        return path


def service_account(kubectl: Kubectl, name: str) -> Path:
    """Write a kubeconfig of a service account in kubectl's namespace, with a token good for an hour."""
    token = kubectl.run("create", "token", name, "--duration=1h").strip()
    content = yaml.safe_load(kubectl.kubeconfig.read_text())
    content["users"][0]["user"] = {"token": token}
    path = kubectl.kubeconfig.with_name(f"{kubectl.namespace}.{name}.kubeconfig")
    pki.write_private(path, yaml.safe_dump(content, sort_keys=False).encode())
    return path
