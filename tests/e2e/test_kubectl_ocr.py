"""`kubectl ocr` on a real node: what runs, why it fails, pages by the API server, a restart under load."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cluster.pki import Authority
from tests.e2e.commands import Ended, run
from tests.e2e.world import INVOICE, NAME, SPEC, TEXT, World, eventually

KEY = "a-key-that-nobody-may-see"


def ocr(world: World, *arguments: str, **variables: str) -> Ended:
    """Run `kubectl ocr ARGUMENTS` in the service's namespace."""
    namespace = f"--namespace={world.kubectl.namespace}"
    return run(world.node, ["kubectl", "ocr", *arguments, namespace], **variables)


@pytest.fixture
def page(tmp_path: Path) -> str:
    """A file with a page."""
    file = tmp_path / "page.png"
    file.write_bytes(INVOICE.image)
    return str(file)


def test_status_shows_every_pod_and_where_to_send_pages(service: World) -> None:
    ended = ocr(service, "status", NAME)
    assert (ended.status, ended.err) == (0, "")
    for pod in service.pods():
        assert f"Pod/{pod} " in ended.out
    assert ended.out.count("Running, ready") == 4
    assert f"URL      http://{NAME}-gateway.{service.kubectl.namespace}.svc" in ended.out


def test_status_tells_why_a_container_fails_with_the_end_of_its_log(service: World) -> None:
    # Python does not find its library, and ends before anything else.
    broken = {"env": [{"name": "PYTHONHOME", "value": "/nowhere"}]}
    service.apply(modelServer={**SPEC["modelServer"], **broken})

    def told() -> str | None:
        text = ocr(service, "status", NAME).out
        return text if "  > " in text and "exit code" in text else None

    text = eventually(told, "the container's end is told", 120)
    assert "model-server: CrashLoopBackOff (exit code" in text or "model-server: Error (exit code" in text
    assert "encodings" in text
    service.apply()
    service.settle()


def test_a_page_is_read_through_the_api_server(service: World, page: str) -> None:
    ended = ocr(service, "read", NAME, page)
    assert (ended.status, ended.out.strip(), ended.err) == (0, TEXT, "")
    assert TEXT in ocr(service, "read", NAME, page, "--output=json").out


def test_a_key_opens_the_gateway_behind_tls_and_is_never_shown(
    service: World, page: str, tmp_path: Path
) -> None:
    certificate, private = Authority.create().issue("gateway", hosts=["gateway"]).write(tmp_path, "gateway")
    create = ("create", "secret")
    service.kubectl.run(*create, "tls", "gateway", f"--cert={certificate}", f"--key={private}")
    service.kubectl.run(*create, "generic", "keys", f"--from-literal=me={KEY}")
    protected = {
        "auth": {"type": "APIKey", "secretRef": {"name": "keys"}},
        "tls": {"secretRef": {"name": "gateway"}},
    }
    service.apply(gateway={**SPEC["gateway"], **protected})
    service.settle()
    refused = ocr(service, "read", NAME, page)
    assert refused.status == 1
    assert "unauthenticated" in refused.err
    by_variable = ocr(service, "read", NAME, page, KUBEOCR_API_KEY=KEY)
    file = tmp_path / "key"
    file.write_text(f"{KEY}\n")
    by_file = ocr(service, "read", NAME, page, f"--api-key-file={file}")
    for ended in (by_variable, by_file):
        assert (ended.status, ended.out.strip(), ended.err) == (0, TEXT, "")
    service.apply()
    service.settle()


def test_a_restart_replaces_every_pod_and_loses_no_request(service: World) -> None:
    before = service.pods()
    spec = service.kubectl.json("get", "ocrservice", NAME)["spec"]
    with service.traffic(at_least=100) as traffic:
        assert ocr(service, "restart", NAME).status == 0
        eventually(lambda: not before.keys() & service.pods().keys(), "all pods are new", 240)
        service.settle()
    assert traffic.failures == []
    assert len(service.pods()) == len(before)
    assert service.kubectl.json("get", "ocrservice", NAME)["spec"] == spec


def test_suspend_and_resume(service: World) -> None:
    assert ocr(service, "suspend", NAME).status == 0
    eventually(lambda: not service.pods(), "no pods")
    eventually(lambda: "Suspended" in ocr(service, "status", NAME).out, "its status follows its pods")
    assert ocr(service, "resume", NAME).status == 0
    service.settle()
