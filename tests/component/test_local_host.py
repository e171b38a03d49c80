"""OCRServices without a cluster: the real operator and host, small HTTP programs for the real ones."""

from __future__ import annotations

import asyncio
import io
import os
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from ocr_operator.cluster.local import manifests
from ocr_operator.cluster.local.services import listen
from ocr_operator.local import Host
from ocr_operator.models.manifest import (
    CHILD_KINDS,
    DEPLOYMENT,
    OCR_SERVICE,
    POD,
    SERVICE,
    Manifest,
    Ref,
)
from ocr_operator.models.names import COMPONENT_LABEL, GATEWAY, MODEL_SERVER
from ocr_operator.models.service import Key
from tests.local.host import options
from tests.local.run import free_port

SECONDS = 60


def document(name: str = "invoices", spec: str = "{}") -> str:
    """One YAML document; `spec` in flow style."""
    return (
        f"---\napiVersion: kubeocr.dev/v1alpha1\nkind: OCRService\nmetadata: {{name: {name}}}\nspec: {spec}\n"
    )


# A drain of 0 s: the end of a pod need not be waited for.
QUICK = "{gateway: {drainSeconds: 0}"


class Local:
    """A running host, its file and what it printed."""

    def __init__(self, host: Host, file: Path, port: int, out: io.StringIO) -> None:
        self.host, self.file, self.port, self.out = host, file, port, out

    def service(self, name: str = "invoices") -> Manifest:
        live = self.host.store.read(Ref(OCR_SERVICE, "default", name))
        assert live is not None, f"there is no {name}"
        return live

    def status(self, name: str = "invoices") -> dict[str, Any]:
        live = self.host.store.read(Ref(OCR_SERVICE, "default", name))
        return dict((live or {}).get("status", {}))

    def condition(self, kind: str, name: str = "invoices") -> tuple[str, str]:
        found = [c for c in self.status(name).get("conditions", ()) if c["type"] == kind]
        return (found[0]["status"], found[0]["reason"]) if found else ("", "")

    def ready(self, servers: int = 2, gateways: int = 2, name: str = "invoices") -> bool:
        pods = {c["name"]: c["summary"] for c in self.status(name).get("components", ())}
        wanted = {MODEL_SERVER: f"{servers}/{servers}", GATEWAY: f"{gateways}/{gateways}"}
        whole = self.condition("Reconciling", name)[0] == "False"
        return whole and self.condition("Ready", name) == ("True", "Serving") and pods == wanted

    def pods(self, component: str) -> list[Manifest]:
        return list(self.host.store.select(POD, None, {COMPONENT_LABEL: component}))

    async def get(self, path: str = "/", port: int | None = None) -> httpx.Response:
        async with httpx.AsyncClient() as client:
            return await client.get(f"http://127.0.0.1:{port or self.port}{path}")

    async def pid(self) -> int:
        """Process id of a model server that is an endpoint."""
        address = (await self.get()).text.split()[0]
        return int((await self.get(port=int(address.rpartition(":")[2]))).text)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until it holds after some change of the store."""
        changed = asyncio.Event()
        self.host.store.subscribe(lambda *_: changed.set())
        try:
            async with asyncio.timeout(SECONDS):
                while not condition():
                    await changed.wait()
                    changed.clear()
        except TimeoutError:
            pytest.fail(f"not so after {SECONDS} s; the last status is {self.status()}")


@pytest.fixture
async def local(tmp_path: Path) -> AsyncIterator[Callable[[str], Local]]:
    """Start a host on a manifest's text; whatever runs at the end of the test is ended."""
    stop, running = asyncio.Event(), []

    def start(text: str) -> Local:
        file, port, out = tmp_path / "services.yaml", free_port(), io.StringIO()
        file.write_text(text)
        (tmp_path / "run").mkdir()
        host = Host(options(file, port), tmp_path / "run", listen(port), out)
        running.append(asyncio.create_task(host.serve(manifests.read(file), stop)))
        return Local(host, file, port, out)

    yield start
    stop.set()
    async with asyncio.timeout(SECONDS):
        await asyncio.gather(*running)


Start = Callable[[str], Local]


async def test_a_service_becomes_ready_and_answers_on_its_port(local: Start) -> None:
    run = local(document())
    await run.until(run.ready)
    assert len((await run.get()).text.splitlines()) == 2
    assert run.status()["address"] == {"url": f"http://127.0.0.1:{run.port}"}
    assert run.condition("Stalled") == ("False", "NotStalled")


PROFILE = """---
apiVersion: kubeocr.dev/v1alpha1
kind: OCRProfile
metadata: {name: standard}
spec: {modelServer: {replicas: %d}, gateway: {replicas: 1, drainSeconds: 0}}
"""


async def test_a_profile_in_the_file_is_taken_and_its_edits_are_followed(local: Start) -> None:
    taking = document(spec="{profileRef: {name: standard}}")
    run = local(PROFILE % 1 + taking)
    await run.until(lambda: run.ready(servers=1, gateways=1))
    run.file.write_text(PROFILE % 2 + taking)
    await run.until(lambda: run.ready(servers=2, gateways=1))
    run.file.write_text(taking)
    await run.until(lambda: run.condition("SpecAccepted") == ("False", "ProfileNotFound"))
    assert run.condition("Ready") == ("True", "ServingPreviousRevision")
    run.file.write_text(taking + PROFILE % 1)
    await run.until(lambda: run.ready(servers=1, gateways=1))


async def test_an_edit_of_replicas_starts_and_ends_pods(local: Start) -> None:
    run = local(document(spec=QUICK + "}"))
    await run.until(run.ready)
    run.file.write_text(document(spec=QUICK + ", modelServer: {replicas: 3}}"))
    await run.until(lambda: run.ready(servers=3))
    run.file.write_text(document(spec=QUICK + ", modelServer: {replicas: 1}}"))
    await run.until(lambda: run.ready(servers=1) and len(run.pods(MODEL_SERVER)) == 1)
    assert len((await run.get()).text.splitlines()) == 1


async def test_a_killed_model_server_is_started_again_and_shows_in_last_failure(local: Start) -> None:
    run = local(document())
    await run.until(run.ready)
    os.kill(await run.pid(), signal.SIGKILL)
    await run.until(lambda: run.status().get("lastFailure", {}).get("count") == 1 and run.ready())
    failure = run.status()["lastFailure"]
    told = {name: failure[name] for name in ("component", "container", "reason", "exitCode")}
    assert told == {
        "component": MODEL_SERVER,
        "container": MODEL_SERVER,
        "reason": "Error",
        "exitCode": 137,
    }


async def test_a_program_that_cannot_start_stalls_the_service_with_its_last_words(local: Start) -> None:
    run = local(document(spec="{modelServer: {env: [{name: FAIL, value: no weights}]}}"))
    await run.until(lambda: run.condition("Ready") == ("False", "CrashLoopBackOff"))
    assert "no weights" in run.status()["lastFailure"]["message"]


async def test_a_bad_revision_leaves_the_good_one_serving(local: Start) -> None:
    run = local(document(spec=QUICK + "}"))
    await run.until(run.ready)
    run.file.write_text(document(spec=QUICK + ", modelServer: {env: [{name: FAIL, value: typo}]}}"))
    await run.until(lambda: run.condition("Stalled") == ("True", "CrashLoopBackOff"))
    assert run.condition("Ready") == ("True", "ServingPreviousRevision")
    assert len((await run.get()).text.splitlines()) == 2
    run.file.write_text(document(spec=QUICK + "}"))
    await run.until(lambda: run.ready() and "lastFailure" not in run.status())


async def test_a_roll_out_never_has_fewer_endpoints_than_replicas(local: Start) -> None:
    run = local(document(spec=QUICK + "}"))
    await run.until(run.ready)
    before, fewest = {pod["metadata"]["name"] for pod in run.pods(MODEL_SERVER)}, []

    def count(_ref: Ref, _live: Manifest) -> None:
        live = run.host.store.read(Ref(DEPLOYMENT, "default", f"invoices-{MODEL_SERVER}"))
        if live is not None:
            fewest.append(live["status"].get("readyReplicas", 0))

    run.host.store.subscribe(count)
    run.file.write_text(document(spec=QUICK + ", modelServer: {env: [{name: NEW, value: x}]}}"))
    await run.until(
        lambda: run.ready() and not before & {p["metadata"]["name"] for p in run.pods(MODEL_SERVER)}
    )
    assert min(fewest) == 2


async def test_a_file_that_becomes_invalid_keeps_the_last_good_state(local: Start) -> None:
    run = local(document())
    await run.until(run.ready)
    before = run.service()
    run.file.write_text(document(spec="{modelServer: {replica: 3}}"))
    async with asyncio.timeout(SECONDS):
        while "keeps running" not in run.out.getvalue():  # noqa: ASYNC110 - text tells nobody that it grew
            await asyncio.sleep(0.05)
    printed = run.out.getvalue()
    assert "spec.modelServer.replica: unknown field; did you mean replicas?" in printed
    assert run.service() == before
    assert (await run.get("/readyz")).status_code == 200


async def test_a_document_that_is_removed_takes_its_service_and_all_children_away(local: Start) -> None:
    run = local(document("first", QUICK + "}") + document("second", QUICK + "}"))
    await run.until(lambda: run.ready(name="first") and run.ready(name="second"))
    run.file.write_text(document("second", QUICK + "}"))

    def left() -> list[str]:
        kinds = (*CHILD_KINDS, POD, OCR_SERVICE)
        names = [live["metadata"]["name"] for kind in kinds for live in run.host.store.select(kind)]
        return [name for name in names if name.startswith("first")]

    await run.until(lambda: not left())
    with pytest.raises(httpx.TransportError):
        await run.get()


async def test_two_services_in_one_file_get_ports_of_their_own(local: Start) -> None:
    run = local(document("first") + document("second"))
    await run.until(lambda: run.ready(name="first") and run.ready(name="second"))
    urls = [run.status(name)["address"]["url"] for name in ("first", "second")]
    ports = [int(url.rpartition(":")[2]) for url in urls]
    assert ports[0] == run.port < ports[1]
    first, second = [set((await run.get(port=port)).text.split()) for port in ports]
    assert len(first) == len(second) == 2
    assert not first & second


async def test_a_secret_must_stand_in_the_file_and_reaches_the_program(local: Start) -> None:
    spec = "{modelServer: {env: [{name: FAIL, secretKeyRef: {name: words, key: last}}]}}"
    run = local(document(spec=spec))
    await run.until(lambda: run.condition("SpecAccepted") == ("False", "SecretNotFound"))
    assert not list(run.host.store.select(DEPLOYMENT))
    words = "---\napiVersion: v1\nkind: Secret\nmetadata: {name: words}\nstringData: {last: farewell}\n"
    run.file.write_text(words + document(spec=spec))
    await run.until(lambda: "farewell" in run.status().get("lastFailure", {}).get("message", ""))


async def test_a_suspended_service_ends_its_pods_and_keeps_its_port(local: Start) -> None:
    run = local(document(spec=QUICK + "}"))
    await run.until(run.ready)
    run.file.write_text(document(spec=QUICK + ", suspend: true}"))
    await run.until(
        lambda: run.condition("Ready") == ("False", "Suspended") and not list(run.host.store.select(POD))
    )
    run.file.write_text(document(spec=QUICK + "}"))
    await run.until(run.ready)
    assert run.status()["address"] == {"url": f"http://127.0.0.1:{run.port}"}


async def test_nothing_is_written_once_all_is_as_asked(local: Start) -> None:
    run = local(document())
    await run.until(run.ready)
    service = next(iter(run.host.store.select(SERVICE)))
    told: list[Ref] = []
    run.host.store.subscribe(lambda changed, _: told.append(changed))
    # The same manifest again is a reconcile more; a second one for what it might cause.
    for _ in range(2):
        outcome = await run.host.reconciler()(Key("default", "invoices"))
        assert outcome.requeue_after is None
    assert told == []
    assert service in run.host.store.select(SERVICE)
