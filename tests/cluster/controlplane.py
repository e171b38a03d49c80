"""etcd, kube-apiserver and, if wanted, the controllers, as child processes on loopback: no root, no node."""

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from tests.cluster import commands, tools
from tests.cluster.access import Access, service_account
from tests.cluster.commands import Audit, Site
from tests.cluster.kubectl import CommandError, Kubectl
from tests.cluster.locks import reserve_first
from tests.cluster.processes import Child, start, wait_for

START_SECONDS = 120.0
END_SECONDS = 10.0


class ControlPlane:
    """A Kubernetes API of its own, from `with` to the end of it; it dies with us even if we are killed.

    - `controllers`: also run kube-controller-manager, so that Deployments make pods (nothing runs them),
      owners' deletion collects the owned, and a deleted namespace goes away.
    - `scheduler`: also run kube-scheduler, for nodes that somebody plays (`fakenodes`).
    - `rate`: requests a second that each of them may send, if not the default.
    - `audit`: what the audit log keeps; `RequestResponse` has the bodies too.
    """

    def __init__(
        self,
        *,
        controllers: bool = True,
        scheduler: bool = False,
        rate: int | None = None,
        audit: Audit = "Metadata",
    ) -> None:
        """Only note what is wanted; `with` or `start` starts it."""
        self._controllers = controllers
        self._scheduler = scheduler
        self._rate = rate
        self._audit: Audit = audit
        self._children: list[Child] = []
        self._commands: list[Sequence[str]] = []
        self._reservation = ExitStack()

    def __enter__(self) -> Self:
        """Start, and return when the API answers."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop."""
        self.stop()

    def start(self) -> None:
        """Start everything and return when the API answers; raise ClusterError, with nothing left, if not."""
        programs = tools.kubernetes()
        number = reserve_first("control-plane-", self._reservation)
        self.folder = Path(tempfile.gettempdir()) / f"kubeocr-control-plane-{os.getuid()}-{number}"
        shutil.rmtree(self.folder, ignore_errors=True)
        try:
            self.folder.mkdir(mode=0o700)
            self._start(programs)
        except BaseException:
            self.stop()
            raise

    def _start(self, programs: Path) -> None:
        api, etcd, peer = free_ports(3)
        site = Site(self.folder, programs, "127.0.0.1", api, etcd, peer)
        self.access = Access(self.folder / "access", site.server, ["127.0.0.1", "localhost"])
        self.kubeconfig = self.access.admin
        self.kubectl = Kubectl(self.kubeconfig)
        # A loopback address can't be an endpoint of the Service `kubernetes`; no pod needs it here.
        alone = ["--authorization-mode=RBAC", "--endpoint-reconciler-type=none"]
        self._run(commands.etcd(site))
        self._run([*commands.apiserver(site, self.access, self._audit), *alone])
        wait_for("the apiserver is ready", lambda: answers(self.kubectl), START_SECONDS, self._children)
        if self._controllers:
            self._run(commands.controller_manager(site, self.access, self._rate))
            wait_for("the controllers work", self._has_default_account, START_SECONDS, self._children)
        if self._scheduler:
            self._run(commands.scheduler(site, self.access, self._rate))

    def _run(self, command: Sequence[str]) -> None:
        self._commands.append(command)
        self._children.append(start(Path(command[0]).name, command, self.folder))

    def crash(self, program: Literal["etcd", "kube-apiserver"]) -> None:
        """Kill -9 one of the programs and start it again; nobody waits until it answers."""
        number = next(i for i, child in enumerate(self._children) if child.name == program)
        self._children[number].process.kill()
        self._children[number].process.wait()
        self._children[number] = start(program, self._commands[number], self.folder)

    def _has_default_account(self) -> bool:
        return succeeds(self.kubectl, "get", "serviceaccount", "default")

    def stop(self) -> None:
        """End the processes and delete their folder. The apiserver goes before etcd, or it hangs a minute."""
        for child in reversed(self._children):
            child.stop(END_SECONDS)
        self._children.clear()
        self._commands.clear()
        shutil.rmtree(self.folder, ignore_errors=True)
        self._reservation.close()

    def user_kubeconfig(self, user: str, groups: Sequence[str] = ()) -> Path:
        """A kubeconfig of an ordinary user, who may do nothing until a binding allows it."""
        return self.access.kubeconfig(user, groups)

    def service_account_kubeconfig(self, namespace: str, name: str) -> Path:
        """A kubeconfig of an existing service account."""
        return service_account(Kubectl(self.kubeconfig, namespace), name)

    @property
    def children(self) -> tuple[Child, ...]:
        """The programs as they run now."""
        return tuple(self._children)

    def audit_events(self) -> Iterator[dict[str, Any]]:
        """What the apiserver was asked so far: its audit events (audit.k8s.io/v1), oldest first."""
        return commands.audit_events(self.folder)


def answers(kubectl: Kubectl) -> bool:
    """Whether the API is ready and has its first namespaces."""
    return succeeds(kubectl, "get", "--raw=/readyz") and succeeds(kubectl, "get", "namespace", "default")


def succeeds(kubectl: Kubectl, *args: str) -> bool:
    """Whether `kubectl ARGS` ends with status 0."""
    try:
        kubectl.run(*args)
    except CommandError:
        return False
    return True


def free_ports(count: int) -> list[int]:
    """Loopback ports that nothing listens on, all different."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
