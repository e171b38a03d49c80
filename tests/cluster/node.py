"""A whole Kubernetes node in a network namespace of its own: real kubelet, containerd, Services and DNS.

Everything of a node follows from its name: its folder, control group, network namespace and link. Root only.
"""

import contextlib
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from tests.cluster import cgroups, commands, debian, dns, network, nodefiles, scratch, tools
from tests.cluster.access import Access
from tests.cluster.commands import Site
from tests.cluster.controlplane import START_SECONDS, answers, succeeds
from tests.cluster.errors import ClusterError
from tests.cluster.gobuild import Say, say
from tests.cluster.kubectl import Kubectl
from tests.cluster.locks import reserve_first, reserved
from tests.cluster.processes import Child, environment, start, wait_for

ROOT = Path("/var/lib/kubeocr")
NAME = re.compile(r"[a-z]([a-z0-9-]{0,9}[a-z0-9])?")  # the link's name has room for 15 characters
DEFAULT_NAME = "local"
READY_SECONDS = 180
SERVICE_NAMES = ("10.96.0.1", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local")


class Node:
    """One node, running or not. `up`, `down` and `leashed` of this module start and end it."""

    def __init__(self, name: str, say: Say = say) -> None:
        """Name a node; raise ClusterError if the name is no good one."""
        if not NAME.fullmatch(name):
            raise ClusterError(f"node name {name!r}: 1 to 11 of a-z, 0-9 and -; a letter first, no - last")
        self.name = name
        self.full_name = f"kubeocr-{name}"
        self.folder = ROOT / name
        self.kubeconfig = self.folder / "access" / "admin.kubeconfig"
        self._link = f"ko-{name}"
        self._say = say
        self._children: list[Child] = []
        self._is_leashed = True
        self._kubelet: list[str] = []

    @property
    def address(self) -> str:
        """The node's IPv4 address, on which this machine reaches the API (port 6443) and the NodePorts."""
        try:
            return (self.folder / "address").read_text()
        except OSError as error:
            raise ClusterError(f"node {self.name} is not up: `python -m tests.cluster up`") from error

    @property
    def in_network(self) -> list[str]:
        """The prefix of a command that is to run in the node's network, where it reaches pods."""
        return ["nsenter", f"--net=/run/netns/{self.full_name}", "--"]

    def kubectl(self, namespace: str = "default") -> Kubectl:
        """kubectl as the cluster's administrator."""
        return Kubectl(self.kubeconfig, namespace)

    def is_up(self) -> bool:
        """Whether the API answers and the node is ready."""
        if not (self.kubeconfig.exists() and cgroups.members(self.full_name)):
            return False
        ready = ("wait", "--for=condition=Ready", "--timeout=2s", f"node/{self.full_name}")
        return answers(self.kubectl()) and succeeds(self.kubectl(), *ready)

    def ctr(self, *args: str) -> str:
        """Run `ctr ARGS` in the namespace of Kubernetes; raise ClusterError if it fails."""
        endpoint = nodefiles.inside(self.folder, nodefiles.CONTAINERD_SOCKET)
        command = ["ctr", "--address", str(endpoint), "--namespace", "k8s.io", *args]
        result = subprocess.run(
            command, env=environment(self.folder), capture_output=True, text=True, check=False
        )
        if result.returncode:
            raise ClusterError(f"{' '.join(command)}: {result.stderr.strip()}")
        return result.stdout

    def audit_events(self) -> Iterator[dict[str, Any]]:
        """What the apiserver was asked so far: its audit events, oldest first, without bodies."""
        return commands.audit_events(self.folder)

    def import_image(self, archive: Path) -> None:
        """Give the node the images of a docker or OCI archive; pods use them with pull policy Never."""
        self.ctr("images", "import", str(archive))

    @contextlib.contextmanager
    def without(self, program: Literal["kubelet", "containerd"]) -> Iterator[None]:
        """Kill one of the two for the length of the block; the pods live on."""
        child = next(each for each in self._children if each.name == program)
        self._children.remove(child)
        child.process.kill()
        child.process.wait()
        yield
        # Both see the node's own folders; whichever is left holds the view open for the other.
        if program == "kubelet":
            self._run(self._kubelet, enter=self._beside("containerd"))
        else:
            self._run(nodefiles.containerd_alone(self.folder), program, self._beside("kubelet"))

    def start(self, *, is_leashed: bool) -> None:
        """Start on a clean slate; raise ClusterError, with only its files left, if it fails."""
        programs = tools.kubernetes()
        images = {nodefiles.PAUSE_IMAGE: tools.pause(), dns.IMAGE: tools.coredns()}
        self.stop()
        self.folder.mkdir(parents=True, mode=0o700)
        started = time.monotonic()
        try:
            self._start(programs, images, is_leashed=is_leashed)
        except BaseException:
            self._release()
            raise
        self._say(f"node {self.name}: ready after {time.monotonic() - started:.0f} s at {self.address}")

    def stop(self) -> None:
        """End everything of the node and delete its folder; nothing happens if there is nothing."""
        self._release()
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.folder.exists():
            raise ClusterError(f"{self.folder} could not be deleted: is something mounted or running in it?")
        with contextlib.suppress(OSError):  # other nodes are there
            ROOT.rmdir()

    def _start(self, programs: Path, images: dict[str, Path], *, is_leashed: bool) -> None:
        cgroups.create(self.full_name)
        site = Site(self.folder, programs, self._connect(), 6443, 2379, 2380)
        access = Access(self.folder / "access", site.server, [site.address, *SERVICE_NAMES])
        self._is_leashed = is_leashed
        run = self._run
        run(nodefiles.containerd(self.folder, self.full_name), "containerd")
        run(commands.etcd(site))
        run([*commands.apiserver(site, access, "Metadata"), *_kubelet_client(access)])
        wait_for("containerd answers", self._has_runtime, START_SECONDS, self._children)
        for reference, program in images.items():
            self.import_image(scratch.image(program, reference, self.folder / "image.tar"))
        kubectl = self.kubectl()
        wait_for("the apiserver is ready", lambda: answers(kubectl), START_SECONDS, self._children)
        run(commands.controller_manager(site, access))
        run(commands.scheduler(site, access))
        run(nodefiles.kube_proxy(site, access, self.full_name))
        self._kubelet = nodefiles.kubelet(site, access, self.full_name)
        run(self._kubelet, enter=self._beside("containerd"))
        self._await_ready(kubectl)

    def _run(self, command: Sequence[str], name: str = "", enter: Sequence[str] = ()) -> None:
        """Start a program in the node's network, or where `enter` leads."""
        name = name or Path(command[0]).name
        enter = enter or self.in_network
        child = start(name, command, self.folder, enter=enter, leashed=self._is_leashed)
        cgroups.join(self.full_name, child.process.pid)
        self._children.append(child)

    def _beside(self, name: str) -> list[str]:
        """The prefix of a command that is to see what a program of the node sees."""
        pid = next(each.process.pid for each in self._children if each.name == name)
        return [*self.in_network[:-1], f"--mount=/proc/{pid}/ns/mnt", "--"]

    def _connect(self) -> str:
        """Make the node's network and return its address."""
        with reserved("network", READY_SECONDS):
            subnet = network.free_subnet()
            network.create(self.full_name, self._link, subnet)
        address = str(subnet[2])
        (self.folder / "address").write_text(address)
        return address

    def _has_runtime(self) -> bool:
        try:
            self.ctr("version")
        except ClusterError:
            return False
        return True

    def _await_ready(self, kubectl: Kubectl) -> None:
        node = f"node/{self.full_name}"
        system = self.kubectl("kube-system")
        system.apply(dns.manifest())
        wait_for("the node registers", lambda: succeeds(kubectl, "get", node), START_SECONDS, self._children)
        kubectl.wait("condition=Ready", node, seconds=READY_SECONDS)
        system.run("rollout", "status", "deployment/coredns", f"--timeout={READY_SECONDS}s")

    def _release(self) -> None:
        """Give back all that is not a file. All of it is thrown away, so nothing is ended gently."""
        cgroups.remove(self.full_name)
        for child in self._children:
            child.process.wait()
        self._children.clear()
        network.delete(self.full_name, self._link)


def _kubelet_client(access: Access) -> list[str]:
    """The apiserver's flags for a node: who may what, and how it reaches the kubelet for exec and logs."""
    certificate, key = access.pair("kubelet-client", ["system:masters"])
    return [
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        f"--kubelet-client-certificate={certificate}",
        f"--kubelet-client-key={key}",
        f"--kubelet-certificate-authority={access.ca}",
        "--kubelet-preferred-address-types=InternalIP",
    ]


def up(name: str = DEFAULT_NAME, say: Say = say) -> Node:
    """Bring up the node, which then stays until `down`; one that is up already stays as it is."""
    require_root()
    node = Node(name, say)
    debian.install(nodefiles.missing_packages(), "a node needs", say)
    with reserved(f"node-{node.name}"):
        if node.is_up():
            say(f"node {name}: is up already, at {node.address}")
        else:
            node.start(is_leashed=False)
    return node


def down(name: str = DEFAULT_NAME, say: Say = say) -> None:
    """End the node and remove all of it, also what a killed run left; nothing happens if there is nothing."""
    require_root()
    node = Node(name, say)
    with reserved(f"node-{node.name}"):
        node.stop()
    say(f"node {name}: is down")


@contextlib.contextmanager
def leashed(say: Say = say) -> Iterator[Node]:
    """A node that lives as long as the `with`, under a name of its own.

    Killed with us, it leaves what the next caller, who gets the same name, cleans.
    """
    require_root()
    debian.install(nodefiles.missing_packages(), "a node needs", say)
    with contextlib.ExitStack() as stack:
        node = Node(f"test-{reserve_first('node-test-', stack)}", say)
        stack.callback(node.stop)
        node.start(is_leashed=True)
        yield node


def names() -> list[str]:
    """The names of the nodes that are there, whole or in parts."""
    return sorted(path.name for path in ROOT.glob("*") if path.is_dir())


def require_root() -> None:
    """Raise ClusterError unless we are root."""
    if os.geteuid() != 0:
        raise ClusterError(
            "a node needs root (network namespace, mounts, control groups): run this with sudo, or use kind"
        )
