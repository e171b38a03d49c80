"""A model of the user's own on a real node, from an HTTPS server in it: read with, and never another one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ocr_modelserver.models.own import read_own
from tests.cluster import images
from tests.cluster.pki import Authority
from tests.e2e.digests import assert_another_digest_is_never_served
from tests.e2e.platform import Platform
from tests.e2e.world import NAME, TEXT, World, eventually, restricted
from tests.support.ownmodel import own_model

pytestmark = pytest.mark.long

HOST, PORT, HEADER = "model-host", 8443, "Bearer a-secret-token"
# The files are those of the image; only model.yaml is ours.
SERVER = f"""
import pathlib, ssl
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ocr_modelserver.models.store import default_models_dir

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        name = self.path.removeprefix("/receipts/")
        folder = pathlib.Path("/served") if name == "model.yaml" else default_models_dir() / "ppocrv6-tiny"
        file = folder / name
        body = file.read_bytes() if "/" not in name and file.is_file() else b""
        good = self.headers.get("Authorization") == {HEADER!r}
        self.send_response(403 if not good else 200 if body else 404)
        self.end_headers()
        self.wfile.write(body if good else b"")

server = ThreadingHTTPServer(("", {PORT}), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("/tls/tls.crt", "/tls/tls.key")
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the server has."""
    return own_model(tmp_path_factory.mktemp("shelf") / "receipts")


@pytest.fixture(scope="module")
def sha256(folder: Path) -> str:
    return read_own(folder).sha256


@pytest.fixture(scope="module")
def shelf(platform: Platform, folder: Path) -> Iterator[World]:
    """A namespace with the server, and what a service needs to ask it."""
    with restricted(platform.node) as world:
        serve(world, (folder / "model.yaml").read_text())
        yield world
        world.kubectl.run("delete", "ocrservice", NAME, "--ignore-not-found")


def serve(world: World, manifest: str) -> None:
    """An HTTPS server with a certificate of an authority that nobody knows."""
    authority = Authority.create()
    pair = authority.issue(HOST, hosts=[HOST])
    head: dict[str, Any] = {"apiVersion": "v1", "metadata": {"name": HOST}}
    tls = {"tls.crt": pair.certificate.decode(), "tls.key": pair.key.decode()}
    world.kubectl.apply({**head, "kind": "Secret", "type": "kubernetes.io/tls", "stringData": tls})
    known = {"ca.crt": authority.certificate.decode(), "header": HEADER, "wrong": "Bearer another-token"}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "known"}}
    world.kubectl.apply({**secret, "stringData": known})
    world.kubectl.apply({**head, "kind": "ConfigMap", "data": {"serve.py": SERVER, "model.yaml": manifest}})
    ports = [{"port": PORT}]
    world.kubectl.apply({**head, "kind": "Service", "spec": {"selector": {"app": HOST}, "ports": ports}})
    container = {
        "name": "server",
        "image": images.reference("modelserver", images.version()),
        "command": ["python", "/served/serve.py"],
        "readinessProbe": {"tcpSocket": {"port": PORT}, "periodSeconds": 1},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [{"name": "served", "mountPath": "/served"}, {"name": "tls", "mountPath": "/tls"}],
    }
    pod = {
        "automountServiceAccountToken": False,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "terminationGracePeriodSeconds": 0,
        "containers": [container],
        "volumes": [
            {"name": "served", "configMap": {"name": HOST}},
            {"name": "tls", "secret": {"secretName": HOST, "defaultMode": 0o444}},
        ],
    }
    metadata = {"name": HOST, "labels": {"app": HOST}}
    world.kubectl.apply({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod})
    world.kubectl.run("wait", "pod", HOST, "--for=condition=Ready", "--timeout=60s", seconds=70)


@pytest.fixture
def own(shelf: World, sha256: str) -> World:
    """The service, settled."""
    shelf.apply(model=model(sha256))
    shelf.settle(180)
    return shelf


def model(sha256: str, folder: str = "receipts", key: str = "header") -> dict[str, Any]:
    """An own model out of the server's folder."""
    http = {
        "url": f"https://{HOST}:{PORT}/{folder}/",
        "authorization": {"secretKeyRef": {"name": "known", "key": key}},
        "caBundle": {"secretKeyRef": {"name": "known", "key": "ca.crt"}},
    }
    return {"name": "receipts", "source": {"http": http}, "sha256": sha256}


def test_pages_are_read_by_the_model_of_the_server(own: World, sha256: str) -> None:
    answer = own.read()
    assert (answer.status_code, answer.text.strip()) == (200, TEXT)
    assert own.status()["model"] == {"name": "receipts", "sha256": sha256}


def test_a_pod_that_crashes_needs_no_server(own: World) -> None:
    (first, *_) = own.pods("model-server")
    own.kubectl.run(
        "exec", first, "--container=model-server", "--", "python", "-c", "import os; os.kill(1, 15)"
    )
    eventually(lambda: own.pods("model-server")[first] == 1, "the container has started again")
    own.settle(120)
    (init,) = own.kubectl.json("get", "pod", first)["status"]["initContainerStatuses"]
    assert (init["restartCount"], init["state"]["terminated"]["exitCode"]) == (0, 0)


def test_files_of_another_digest_are_never_served_while_the_old_pods_go_on(own: World, sha256: str) -> None:
    assert_another_digest_is_never_served(own, model, sha256, container="pull-model")


@pytest.mark.parametrize(
    ("asked", "code", "says"),
    [
        ({"key": "wrong"}, 77, f"https://{HOST}:{PORT}/receipts/model.yaml is answered 403 Forbidden"),
        ({"key": "none"}, 69, "/etc/kubeocr/model-authorization/none is missing: the Secret has no such key"),
        (
            {"folder": "elsewhere"},
            69,
            f"https://{HOST}:{PORT}/elsewhere/model.yaml is answered 404 Not Found",
        ),
    ],
)
def test_why_the_server_gives_no_model_is_told_and_its_header_is_not(
    own: World, sha256: str, asked: dict[str, str], code: int, says: str
) -> None:
    own.apply(model=model(sha256, **asked))
    eventually(lambda: own.conditions()["Stalled"] == ("True", "ModelUnavailable"), "it says so", 120)
    assert own.conditions()["Ready"] == ("True", "ServingPreviousRevision")
    failure = own.status()["lastFailure"]
    assert failure["exitCode"] == code
    assert failure["message"].startswith(f"ocr-modelserver: {says}")
    assert own.read().text.strip() == TEXT
    everything = own.kubectl.run("get", "pods,ocrservices,deployments,events", "--output=yaml")
    assert "a-secret-token" not in everything
    assert "another-token" not in everything
