"""kubectl and helm, only ever against a cluster of ours."""

import ipaddress
import json
import os
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from tests.cluster.errors import ClusterError
from tests.cluster.pki import CONTEXT_PREFIX
from tests.cluster.processes import environment
from tests.cluster.tools import kubernetes

OUR_NETWORKS = ("127.0.0.0/8", "10.213.0.0/16")
SECONDS = 120.0


class CommandError(ClusterError):
    """A command that ended with a status other than 0."""

    def __init__(self, command: Sequence[str], status: int, output: str) -> None:
        """Keep the status and what the command printed, for tests that expect a refusal."""
        super().__init__(f"{' '.join(command)}: status {status}: {output.strip()}")
        self.status = status
        self.output = output


def guard(kubeconfig: Path) -> Path:
    """Return the kubeconfig if it is ours, else raise ClusterError: no test ever reaches a user's cluster.

    Ours has a current context with our prefix and a server on loopback or in a node's own subnet.
    """
    try:
        content = yaml.safe_load(kubeconfig.read_text())
        context = content["current-context"]
        servers = [urlsplit(entry["cluster"]["server"]).hostname for entry in content["clusters"]]
        addresses = [ipaddress.ip_address(server or "") for server in servers]
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise ClusterError(f"{kubeconfig} is not a kubeconfig of these tests: {error}") from error
    networks = [ipaddress.ip_network(network) for network in OUR_NETWORKS]
    ours = all(any(address in network for network in networks) for address in addresses)
    if not (ours and str(context).startswith(CONTEXT_PREFIX)):
        raise ClusterError(f"{kubeconfig} is not a kubeconfig of these tests: {context} at {servers}")
    return kubeconfig


class Kubectl:
    """Runs kubectl of the server's version with one explicit kubeconfig."""

    def __init__(self, kubeconfig: Path, namespace: str = "default") -> None:
        """Raise ClusterError unless the kubeconfig is one that this package made."""
        self.kubeconfig = guard(kubeconfig)
        self.namespace = namespace

    def run(self, *args: str, stdin: str | None = None, seconds: float = SECONDS) -> str:
        """Run `kubectl ARGS` and return its standard output; raise CommandError if it fails."""
        return execute(self.command(*args), self.kubeconfig, stdin=stdin, seconds=seconds)

    def command(self, *args: str) -> list[str]:
        """The full command line, for a caller that runs it by its own means."""
        program = str(kubernetes() / "kubectl")
        return [program, f"--kubeconfig={self.kubeconfig}", f"--namespace={self.namespace}", *args]

    def json(self, *args: str) -> Any:
        """Run `kubectl ARGS --output=json` and return what it printed, parsed."""
        return json.loads(self.run(*args, "--output=json"))

    def apply(self, manifest: str | dict[str, Any], *args: str) -> str:
        """Apply a manifest given as YAML text or as an object."""
        text = manifest if isinstance(manifest, str) else json.dumps(manifest)
        return self.run("apply", "--filename=-", *args, stdin=text)

    def wait(self, condition: str, *what: str, seconds: float = SECONDS) -> None:
        """Wait until the objects meet the condition, as in `wait("condition=Ready", "pod/a")`."""
        self.run("wait", f"--for={condition}", f"--timeout={seconds:.0f}s", *what, seconds=seconds + 10)

    def established(self, *crds: str, seconds: float = SECONDS) -> None:
        """Wait until the CRDs are served. One without conditions yet is an error for kubectl."""
        deadline = time.monotonic() + seconds
        served = 'jsonpath={.status.conditions[?(@.type=="Established")].status}=True'
        while True:
            try:
                return self.wait(served, *crds, seconds=seconds)
            except CommandError as error:
                if "not array" not in error.output or time.monotonic() > deadline:
                    raise
            time.sleep(0.2)


def execute(
    command: Sequence[str], kubeconfig: Path, *, stdin: str | None = None, seconds: float = SECONDS
) -> str:
    """Run a client program; its home is the kubeconfig's folder, so it finds no settings of the user's."""
    try:
        result = subprocess.run(
            command,
            input=stdin or "",
            env=client_environment(kubeconfig),
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ClusterError(f"{' '.join(command)}: no end after {seconds:.0f} s") from error
    if result.returncode:
        raise CommandError(command, result.returncode, result.stderr or result.stdout)
    return result.stdout


def client_environment(kubeconfig: Path) -> dict[str, str]:
    """The environment of kubectl and helm; KUBECONFIG names our file too, should a caller forget the flag."""
    variables = {"TERM": os.environ.get("TERM", "dumb"), "KUBECONFIG": str(guard(kubeconfig))}
    return {**environment(kubeconfig.parent), **variables}
