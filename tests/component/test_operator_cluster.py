"""The adapter of the `Cluster` port against the real apiserver."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from ocr_operator.cluster.kube.access import Access
from ocr_operator.cluster.kube.cluster import PAGE, KubeCluster
from ocr_operator.cluster.kube.discovery import Discovery
from ocr_operator.cluster.kube.events import BURST, EVENT, NOTE_BYTES, Recorder
from ocr_operator.cluster.kube.http import Http
from ocr_operator.cluster.kube.paths import collection
from ocr_operator.cluster.port import (
    ClusterError,
    ConflictError,
    Event,
    ForbiddenError,
    GoneError,
    RejectedError,
)
from ocr_operator.models.manifest import (
    DEPLOYMENT,
    HORIZONTAL_POD_AUTOSCALER,
    INGRESS,
    NETWORK_POLICY,
    OCR_SERVICE,
    POD_DISRUPTION_BUDGET,
    SECRET,
    SERVICE,
    SERVICE_ACCOUNT,
    Kind,
    Ref,
)
from ocr_operator.runtime.queue import loop_time
from tests.cluster.controlplane import ControlPlane
from tests.cluster.kubectl import Kubectl
from tests.support.api import Api, eventually

CONFIG_MAP = Kind("v1", "ConfigMap", "configmaps")
UNSERVED = Kind("example.com/v1", "Nothing", "nothings")
SELECTOR = {"matchLabels": {"app": "a"}}
TEMPLATE = {"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [{"name": "a", "image": "a"}]}}
TARGET = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "a"}
BACKEND = {"service": {"name": "a", "port": {"number": 80}}}
# The least that the API takes of each kind of child; OCRService stands for those of a CRD.
LEAST: dict[Kind, dict[str, Any]] = {
    SERVICE_ACCOUNT: {},
    NETWORK_POLICY: {"spec": {"podSelector": {}}},
    SERVICE: {"spec": {"ports": [{"port": 80}]}},
    DEPLOYMENT: {"spec": {"selector": SELECTOR, "template": TEMPLATE}},
    HORIZONTAL_POD_AUTOSCALER: {"spec": {"maxReplicas": 3, "scaleTargetRef": TARGET}},
    POD_DISRUPTION_BUDGET: {"spec": {"maxUnavailable": 1, "selector": SELECTOR}},
    INGRESS: {"spec": {"defaultBackend": BACKEND}},
    OCR_SERVICE: {"spec": {}},
}


class Clock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@asynccontextmanager
async def cluster_of(
    kubeconfig: Path, *namespaces: str, clock: Clock | None = None
) -> AsyncIterator[KubeCluster]:
    """The adapter on a control plane."""
    requests: list[tuple[str, str, str, float]] = []
    http = Http(await Access.load(kubeconfig), lambda *request: requests.append(request))
    recorder = Recorder(http, instance="test", now=clock or Clock())
    try:
        yield KubeCluster(http, Discovery(http, loop_time), recorder, namespaces)
    finally:
        await http.close()
    assert all(code != "error" and seconds > 0 for _, _, code, seconds in requests)


def service(namespace: str, **spec: Any) -> dict[str, Any]:
    """A Service."""
    head = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a", "namespace": namespace}}
    return {**head, "spec": {"ports": [{"port": 80}], "clusterIP": "None", **spec}}


def appliers(live: dict[str, Any]) -> set[str]:
    """The managers that own fields by server-side apply."""
    fields = live["metadata"]["managedFields"]
    return {each["manager"] for each in fields if each["operation"] == "Apply"}


def refusal(kube: Api, body: dict[str, Any]) -> str:
    """Why this Service would not be created; empty if it would be."""
    try:
        kube.send("POST", f"{collection(SERVICE, kube.namespace)}?dryRun=All", body)
    except httpx.HTTPStatusError as error:
        return str(error)
    return ""


async def test_what_is_applied_is_there_until_it_is_deleted_by_its_uid(
    kube: Api, operated: ControlPlane
) -> None:
    ref = kube.ref(SERVICE, "a")
    async with cluster_of(operated.kubeconfig) as cluster:
        assert await cluster.get(ref) is None
        live = await cluster.apply(service(kube.namespace), manager="ocr-operator")
        again = await cluster.apply(service(kube.namespace), manager="ocr-operator")
        assert live["metadata"]["resourceVersion"] == again["metadata"]["resourceVersion"]
        assert await cluster.get(ref) == live
        await cluster.delete(ref, uid="00000000-0000-0000-0000-000000000000")
        assert await cluster.get(ref) == live
        await cluster.delete(ref, uid=live["metadata"]["uid"])
        assert await cluster.get(ref) is None
        await cluster.delete(ref, uid=live["metadata"]["uid"])


@pytest.mark.parametrize("kind", LEAST, ids=lambda kind: kind.plural)
async def test_what_is_made_was_not_there_before_or_is_left_as_it_is(
    kube: Api, operated: ControlPlane, kind: Kind
) -> None:
    body = {
        "apiVersion": kind.api_version,
        "kind": kind.kind,
        "metadata": {"name": "a", "namespace": kube.namespace, "labels": {"made": "here"}},
        **LEAST[kind],
    }
    async with cluster_of(operated.kubeconfig) as cluster:
        live = await cluster.create(body, manager="ocr-operator")
        for manager in ("ocr-operator", "somebody"):
            with pytest.raises(ConflictError):
                await cluster.create(body, manager=manager)
        found = await cluster.get(kube.ref(kind, "a"))
    assert found is not None
    # Controllers write the status of some kinds meanwhile.
    assert found.get("spec") == live.get("spec")
    assert appliers(found) == appliers(live) == {"ocr-operator"}


async def test_a_secret_exists_without_its_values_being_read(kube: Api, operated: ControlPlane) -> None:
    value = base64.b64encode(b"hidden").decode()
    kube.post(SECRET, {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"k": value}})
    async with cluster_of(operated.kubeconfig) as cluster:
        assert await cluster.exists(kube.ref(SECRET, "s"))
        assert not await cluster.exists(kube.ref(SECRET, "t"))
        found = await cluster._get(
            kube.ref(SECRET, "s"), "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
        )
    assert found is not None
    assert "data" not in found


async def test_a_long_list_comes_in_pages_and_whole(kube: Api, operated: ControlPlane) -> None:
    for number in range(PAGE + 1):
        metadata = {"name": f"c{number}", "labels": {"x": "y"}}
        kube.post(CONFIG_MAP, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
    async with cluster_of(operated.kubeconfig, kube.namespace) as cluster:
        found = await cluster.list(CONFIG_MAP, kube.namespace, {"x": "y"})
        assert {each["metadata"]["name"] for each in found} == {f"c{n}" for n in range(PAGE + 1)}
        assert all(each["kind"] == "ConfigMap" for each in found)
        assert await cluster.list(CONFIG_MAP, None, {"x": "z"}) == ()
        listing = await cluster.list_versions(CONFIG_MAP, {"x": "y"})
        identities, versions = zip(*listing.items, strict=True)
        assert {each.namespace for each in identities} == {kube.namespace}
        assert {each.uid for each in identities} == {each["metadata"]["uid"] for each in found}
        assert 0 < max(versions) <= listing.version


async def test_a_kind_that_is_not_served_has_no_objects(operated: ControlPlane) -> None:
    async with cluster_of(operated.kubeconfig) as cluster:
        assert await cluster.serves(OCR_SERVICE)
        assert not await cluster.serves(UNSERVED)
        assert await cluster.list(UNSERVED, None, {}) == ()


async def test_a_refusal_is_told_from_a_lack_of_rights_and_from_a_namespace_that_goes(
    kube: Api, operated: ControlPlane
) -> None:
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q"}}
    kube.post(Kind("v1", "ResourceQuota", "resourcequotas"), {**quota, "spec": {"hard": {"services": "0"}}})
    # The apiserver admits by a copy of the quotas that a busy machine brings up to date late.
    eventually("quota in force", lambda: "exceeded quota" in refusal(kube, service(kube.namespace)))
    async with cluster_of(operated.kubeconfig) as cluster:
        with pytest.raises(RejectedError, match=r"spec\.ports"):
            await cluster.apply(service(kube.namespace, ports=[{"port": -1}]), manager="m")
        with pytest.raises(RejectedError, match="exceeded quota"):
            await cluster.apply(service(kube.namespace), manager="m")
        with pytest.raises(GoneError):
            await cluster.apply(service("nowhere"), manager="m")
        account = {"apiVersion": "v1", "kind": "ServiceAccount"}
        held = {"name": "held", "namespace": kube.namespace, "finalizers": ["example.com/hold"]}
        await cluster.apply({**account, "metadata": held}, manager="m")
        operated.kubectl.run("delete", "namespace", kube.namespace, "--wait=false")
        with pytest.raises(GoneError, match="terminated"):
            await cluster.apply(
                {**account, "metadata": {"name": "b", "namespace": kube.namespace}}, manager="m"
            )
        await cluster.apply({**account, "metadata": {**held, "finalizers": []}}, manager="m")
    nobody = operated.user_kubeconfig("nobody")
    async with cluster_of(nobody) as cluster:
        with pytest.raises(ForbiddenError, match="cannot patch"):
            await cluster.apply(service("default"), manager="m")
        with pytest.raises(ForbiddenError, match="cannot list"):
            await cluster.list(SERVICE, None, {})


async def test_a_server_that_is_not_there_is_worth_another_try(
    tmp_path: Path, operated: ControlPlane
) -> None:
    content = yaml.safe_load(operated.kubeconfig.read_text())
    content["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    path = tmp_path / "config"
    path.write_text(yaml.safe_dump(content))
    http = Http(await Access.load(path), lambda *_: None)
    cluster = KubeCluster(http, Discovery(http, loop_time), Recorder(http, instance="t", now=Clock()), ())
    with pytest.raises(ClusterError) as error:
        await cluster.get(Ref(SERVICE, "default", "a"))
    assert type(error.value) is ClusterError
    await http.close()


async def test_a_new_token_is_read_after_the_old_one_was_refused(
    kube: Api, operated: ControlPlane, tmp_path: Path
) -> None:
    kubectl = Kubectl(operated.kubeconfig, kube.namespace)
    good = operated.service_account_kubeconfig(kube.namespace, "default")
    content = yaml.safe_load(good.read_text())
    path = tmp_path / "config"
    path.write_text(yaml.safe_dump({**content, "users": [{**content["users"][0], "user": {"token": "old"}}]}))
    kubectl.run(
        "create", "rolebinding", "r", "--clusterrole=view", f"--serviceaccount={kube.namespace}:default"
    )
    async with cluster_of(path) as cluster:
        with pytest.raises(ClusterError, match="401"):
            await cluster.get(kube.ref(SERVICE_ACCOUNT, "default"))
        path.write_text(yaml.safe_dump(content))
        with pytest.raises(ClusterError, match="401"):
            await cluster.get(kube.ref(SERVICE_ACCOUNT, "default"))
        assert await cluster.get(kube.ref(SERVICE_ACCOUNT, "default")) is not None


def event(kube: Api, message: str) -> Event:
    """An Event about a Service that need not be there."""
    return Event(
        kube.ref(OCR_SERVICE, "a"), "5b0c1f5e-0000-4000-8000-000000000000", "Warning", "Odd", message
    )


async def test_the_same_words_are_one_event_with_a_count(kube: Api, operated: ControlPlane) -> None:
    async with cluster_of(operated.kubeconfig) as cluster:
        for _ in range(3):
            await cluster.record(event(kube, "it is odd"))
        await cluster.record(event(kube, "it is very odd " + "ü" * NOTE_BYTES))
        found = {each["note"][:10]: each for each in kube.items(EVENT)}
        assert found["it is odd"]["series"]["count"] == 3
        assert found["it is odd"]["reportingController"] == "kubeocr.dev/ocr-operator"
        assert len(found["it is very"]["note"].encode()) <= NOTE_BYTES
        # Events live an hour; one that is gone is written anew.
        kube.delete(EVENT, found["it is odd"]["metadata"]["name"])
        await cluster.record(event(kube, "it is odd"))
        assert len(kube.items(EVENT)) == 2
    shown = operated.kubectl.run("events", f"--namespace={kube.namespace}")
    assert "it is odd" in shown


async def test_one_object_has_a_budget_of_events(kube: Api, operated: ControlPlane) -> None:
    clock = Clock()
    async with cluster_of(operated.kubeconfig, clock=clock) as cluster:
        for number in range(BURST + 5):
            await cluster.record(event(kube, f"number {number}"))
        assert len(kube.items(EVENT)) == BURST
        clock.now += timedelta(minutes=2)
        for number in range(5):
            await cluster.record(event(kube, f"later {number}"))
        eventually("two more", lambda: len(kube.items(EVENT)) == BURST + 2)


async def test_a_clock_that_is_put_back_takes_no_event_from_the_budget(
    kube: Api, operated: ControlPlane
) -> None:
    clock = Clock()
    async with cluster_of(operated.kubeconfig, clock=clock) as cluster:
        await cluster.record(event(kube, "before"))
        clock.now -= timedelta(days=1)
        await cluster.record(event(kube, "after"))
        await cluster.record(event(kube, "later"))
        assert {each["note"] for each in kube.items(EVENT)} == {"before", "after", "later"}
