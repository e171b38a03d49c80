"""The real Argo CD on a node: installed, bootstrapped and asked."""

from __future__ import annotations

import re
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cluster import tools, upstreams
from tests.cluster.kubectl import CommandError, Kubectl, client_environment, execute
from tests.cluster.node import Node
from tests.e2e.world import eventually
from tests.gitops.programs import API_SERVER
from tests.gitops.repository import Repository

WORKLOAD = re.compile(r"^kind: (Deployment|StatefulSet)$", re.MULTILINE)
# What Argo CD misses, such as that the last object of an Application went, it sees at its next round.
PATIENCE = 240
REFRESH = "argocd.argoproj.io/refresh"  # Argo CD takes it away when it is done
FIRST = ("ocr-root", "ocr-crds", "ocr-operator", "ocr-staging-invoices", "ocr-production-invoices")

State = tuple[str, str]
GOOD: State = ("Synced", "Healthy")


def installation(folder: Path) -> Path:
    """Argo CD's own manifest, without the pods: here its programs are processes."""
    documents = (upstreams.argo_cd() / "install.yaml").read_text().split("\n---\n")
    file = folder / "install.yaml"
    file.write_text("\n---\n".join(text for text in documents if not WORKLOAD.search(text)))
    return file


@dataclass(frozen=True)
class Argo:
    """Argo CD in the cluster of a node."""

    node: Node
    repository: Repository
    folder: Path

    @property
    def kubectl(self) -> Kubectl:
        """kubectl in the namespace argocd."""
        return self.node.kubectl("argocd")

    @contextmanager
    def bootstrap(self, *args: str) -> Iterator[None]:
        """Run `bootstrap.sh`. In the block all is applied; after it all is synced and healthy."""
        log = self.folder / "bootstrap.log"
        command = [str(self.repository.tree / "argocd" / "bootstrap.sh"), *args]
        with (
            log.open("wb") as output,
            subprocess.Popen(command, env=self._environment(), stdout=output, stderr=output) as process,
        ):
            try:
                eventually(lambda: self._has_root(process, log), "the root Application is there")
                yield
                status = process.wait(240)
            finally:
                process.kill()
        assert status == 0, log.read_text()

    def _has_root(self, process: subprocess.Popen[bytes], log: Path) -> bool:
        assert not process.poll(), log.read_text()
        return "application.argoproj.io/ocr-root" in log.read_text()

    def make_secrets(self) -> None:
        """Make what Argo CD's API server and its Redis write when they first start."""
        key = {"stringData": {"server.secretkey": secrets.token_hex(16)}}
        self.kubectl.apply(
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "argocd-secret"}, **key}
        )
        self.kubectl.run("create", "secret", "generic", "argocd-redis", "--from-literal=auth=")

    def applications(self) -> dict[str, dict[str, Any]]:
        """All Applications by name."""
        found = self.kubectl.json("get", "applications")["items"]
        return {application["metadata"]["name"]: application for application in found}

    def states(self) -> dict[str, State]:
        """Sync and health of each Application, as `kubectl get` shows them."""
        return {name: state(application) for name, application in self.applications().items()}

    def refresh(self, how: str = "normal") -> None:
        """Have everything compared with Git now; `hard` forgets what was rendered, too."""
        self._annotate("applications", f"{REFRESH}={how}")
        self._generate()

    def _generate(self) -> None:
        self._annotate("applicationsets", "argocd.argoproj.io/application-set-refresh=true")

    def _annotate(self, kind: str, annotation: str) -> None:
        """Annotate all of a kind; one that goes between kubectl's list and its turn is none of them."""

        def annotate() -> bool:
            try:
                self.kubectl.run("annotate", "--all", "--overwrite", kind, annotation)
            except CommandError as error:
                if "(NotFound)" not in str(error):
                    raise
                return False
            return True

        eventually(annotate, f"all {kind} are annotated")

    def settle(self, how: str = "normal", *, alone: bool = False) -> None:
        """Wait until the Applications of the first commit are at the newest one, synced and healthy.

        If `alone`, until there are no others, too.
        """
        head = self.repository.head

        def is_settled() -> bool:
            found = self.applications()
            there = [found[name] for name in FIRST if name in found]
            # A request that comes while Argo CD ends a comparison is lost: it writes what it read before.
            if any(not is_asked(each) and revision(each) != head for each in there):
                self.refresh(how)
            others = [found[name] for name in found if name not in FIRST] if alone else []
            if any("deletionTimestamp" not in each["metadata"] for each in others):
                self._generate()
            are_good = len(there) == len(FIRST) and all(is_good(each, head) for each in there)
            return are_good and not others

        self.refresh(how)
        try:
            eventually(is_settled, f"all at {head[:7]}, synced and healthy", PATIENCE)
        except AssertionError as error:
            error.add_note("\n".join(f"{name}: {said(it)}" for name, it in self.applications().items()))
            raise

    def await_said(self, name: str, words: str) -> dict[str, Any]:
        """Wait until an Application is there and says these words; return it."""

        def look() -> dict[str, Any] | None:
            application = self.applications().get(name)
            return application if application and words in said(application) else None

        return eventually(look, f"{name} says {words!r}")

    def await_gone(self, name: str) -> None:
        """Wait until there is no such Application."""
        eventually(lambda: name not in self.applications(), f"{name} is gone", PATIENCE)

    def cli(self, *args: str) -> str:
        """Run `argocd ARGS` beside its API server."""
        settings = [f"ARGOCD_SERVER={API_SERVER}", "ARGOCD_OPTS=--plaintext"]
        command = [*self.node.in_network, "env", *settings, f"{tools.argocd()}/argocd", *args]
        return execute(command, self.node.kubeconfig)

    def _environment(self) -> dict[str, str]:
        found = client_environment(self.kubectl.kubeconfig)
        return {**found, "PATH": f"{tools.kubernetes()}:{found['PATH']}"}


def is_good(application: dict[str, Any], commit: str) -> bool:
    """Whether it is at the commit, synced and healthy, by a comparison that has ended."""
    return state(application) == GOOD and revision(application) == commit and not is_asked(application)


def syncs(application: dict[str, Any]) -> int:
    """How often it was synced; its history itself has the last ten only."""
    return int(application["status"]["history"][-1]["id"])


def is_asked(application: dict[str, Any]) -> bool:
    """Whether it still has to be compared."""
    return REFRESH in application["metadata"].get("annotations", {})


def revision(application: dict[str, Any]) -> str | None:
    """The commit that it was last compared with."""
    found: str | None = application.get("status", {}).get("sync", {}).get("revision")
    return found


def state(application: dict[str, Any]) -> State:
    """Sync and health of an Application."""
    status = application.get("status", {})
    return status.get("sync", {}).get("status", ""), status.get("health", {}).get("status", "")


def said(application: dict[str, Any]) -> str:
    """All that an Application says: states, conditions, the last operation, its resources' health."""
    status = application.get("status", {})
    parts = ["/".join(state(application))]
    parts += [condition["message"] for condition in status.get("conditions", ())]
    operation = status.get("operationState", {})
    parts.append(operation.get("message", ""))
    parts += [result.get("message", "") for result in operation.get("syncResult", {}).get("resources", ())]
    parts += [resource.get("health", {}).get("message", "") for resource in status.get("resources", ())]
    return "\n".join(parts)
