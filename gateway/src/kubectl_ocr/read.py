"""`kubectl ocr read NAME FILE...`: through the API server to the service's gateways, wherever they are."""

import subprocess
import tempfile
from argparse import Namespace
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

from kubectl_ocr.kubectl import Kubectl, KubectlError, Object
from kubeocr import command
from kubeocr.client import Client


def read(kubectl: Kubectl, given: Namespace, environ: Mapping[str, str]) -> int:
    """Read the documents; the exit status. Raises KubectlError and UsageError."""
    targets = command.targets(given)
    key = command.api_key(given, environ)
    path = _path(kubectl, kubectl.service(given.name))
    # The API server keeps `Authorization` for itself and hands all other headers on.
    headers = {"X-API-Key": key} if key else {}
    with (
        _proxy(kubectl, path) as socket,
        Client(
            f"http://localhost{path}",
            http=httpx.Client(transport=httpx.HTTPTransport(uds=str(socket)), headers=headers),
        ) as client,
    ):
        return command.read(client, given, targets)


def _path(kubectl: Kubectl, service: Object) -> str:
    """Of the gateways' Service, in the API server's URLs."""
    metadata = service["metadata"]
    _check(service)
    port = kubectl.json("get", "service", f"{metadata['name']}-gateway")["spec"]["ports"][0]
    # The port is named after what it speaks: http or https.
    name = f"{port['name']}:{metadata['name']}-gateway:{port['name']}"
    return f"/api/v1/namespaces/{metadata['namespace']}/services/{name}/proxy"


def _check(service: Object) -> None:
    """Whether somebody would answer; if not, the service's own words say why."""
    conditions = {each["type"]: each for each in (service.get("status") or {}).get("conditions") or ()}
    name = service["metadata"]["name"]
    if conditions.get("GatewayAvailable", {}).get("status") != "True":
        ready = conditions.get("Ready", {"reason": "Unknown", "message": "the operator has not seen it yet"})
        raise KubectlError(f"{name} has no gateway that runs: {ready['reason']}: {ready['message']}")


@contextmanager
def _proxy(kubectl: Kubectl, path: str) -> Iterator[Path]:
    """A socket that only this user can open; behind it kubectl adds the credentials, for this path alone."""
    with tempfile.TemporaryDirectory(prefix="kubectl-ocr-") as folder:
        socket, said = Path(folder) / "proxy", Path(folder) / "said"
        proxy = kubectl.command("proxy", f"--unix-socket={socket}", f"--accept-paths=^{path}/")
        with (
            said.open("w") as errors,
            subprocess.Popen(proxy, stdout=subprocess.PIPE, stderr=errors) as process,  # noqa: S603 - no shell
        ):
            try:
                assert process.stdout is not None  # noqa: S101 - it is a pipe
                if not process.stdout.readline():  # it says that it serves
                    raise KubectlError(said.read_text().strip())
                yield socket
            finally:
                process.terminate()
