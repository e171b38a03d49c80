"""The in-memory API server."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ocr_operator.cluster.local.store import Store
from ocr_operator.cluster.port import Cluster, Event, GoneError
from ocr_operator.models.manifest import DEPLOYMENT, SECRET, SERVICE_MONITOR, Manifest, Ref, ref

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def deployment(name: str = "a", labels: dict[str, str] | None = None, **spec: Any) -> Manifest:
    metadata = {"name": name, "namespace": "default", "labels": labels or {}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}


@pytest.fixture
def store() -> Store:
    return Store(clock=lambda: NOW)


async def test_the_store_is_a_cluster(store: Store) -> None:
    cluster: Cluster = store
    assert (await cluster.get(Ref(DEPLOYMENT, "default", "a"))) is None
    assert not await cluster.exists(Ref(SECRET, "default", "keys"))
    assert not await cluster.serves(SERVICE_MONITOR)


def test_a_new_object_gets_what_an_api_server_gives(store: Store) -> None:
    live = store.put(deployment(paused=False), manager="m")
    metadata = live["metadata"]
    assert metadata["generation"] == 1
    assert metadata["creationTimestamp"] == "2026-03-01T12:00:00Z"
    assert metadata["uid"]
    assert live["spec"] == {"replicas": 1, "paused": False}


def test_the_same_apply_again_changes_nothing_and_tells_nobody(store: Store) -> None:
    before = store.put(deployment(paused=False), manager="m")
    told: list[Ref] = []
    store.subscribe(lambda changed, _: told.append(changed))
    assert store.put(deployment(paused=False), manager="m") == before
    assert store.put_status(ref(before), {}) != before
    assert told == [ref(before)]


def test_generation_rises_with_the_spec_and_not_with_labels_or_status(store: Store) -> None:
    store.put(deployment(), manager="m")
    store.put(deployment(labels={"a": "1"}), manager="m")
    live = store.put_status(Ref(DEPLOYMENT, "default", "a"), {"replicas": 1})
    assert live["metadata"]["generation"] == 1
    assert store.put(deployment(paused=True), manager="m")["metadata"]["generation"] == 2


def test_each_manager_keeps_its_fields_until_it_applies_without_them(store: Store) -> None:
    store.put(deployment(paused=False, template={"x": 1, "y": 2}), manager="one")
    assert store.put(deployment(replicas=3), manager="two")["spec"]["replicas"] == 3
    live = store.put(deployment(template={"y": 2}), manager="one")
    assert live["spec"] == {"replicas": 3, "template": {"y": 2}}


def test_the_manager_that_applied_last_wins_a_field(store: Store) -> None:
    store.put(deployment(replicas=3), manager="one")
    store.put(deployment(replicas=5), manager="two")
    assert store.put(deployment(replicas=3), manager="one")["spec"]["replicas"] == 3


def test_a_status_in_an_applied_manifest_is_not_taken(store: Store) -> None:
    assert "status" not in store.put({**deployment(), "status": {"replicas": 9}}, manager="m")


def test_what_is_handed_out_is_a_copy(store: Store) -> None:
    store.put(deployment(template={"x": 1}), manager="m")["spec"]["template"]["x"] = 2
    next(store.select(DEPLOYMENT))["spec"]["template"]["x"] = 3
    live = store.read(Ref(DEPLOYMENT, "default", "a"))
    assert live is not None
    assert live["spec"]["template"] == {"x": 1}


def test_a_list_is_by_kind_namespace_and_all_labels(store: Store) -> None:
    store.put(deployment("a", {"x": "1", "y": "2"}), manager="m")
    store.put(deployment("b", {"x": "1"}), manager="m")
    assert [live["metadata"]["name"] for live in store.select(DEPLOYMENT, "default", {"x": "1"})] == [
        "a",
        "b",
    ]
    assert [live["metadata"]["name"] for live in store.select(DEPLOYMENT, None, {"x": "1", "y": "2"})] == [
        "a"
    ]
    assert not list(store.select(DEPLOYMENT, "other", {}))
    assert not list(store.select(SECRET))


def test_what_an_object_owns_goes_with_it(store: Store) -> None:
    owner = store.put(deployment("owner"), manager="m")
    owned = deployment("owned")
    owned["metadata"]["ownerReferences"] = [{"uid": owner["metadata"]["uid"], "controller": True}]
    store.put(owned, manager="m")
    store.put(deployment("stranger"), manager="m")
    store.remove(ref(owner))
    assert [live["metadata"]["name"] for live in store.select(DEPLOYMENT)] == ["stranger"]


async def test_a_delete_spares_an_object_with_another_uid(store: Store) -> None:
    live = store.put(deployment(), manager="m")
    await store.delete(ref(live), uid="another")
    assert store.read(ref(live)) is not None
    await store.delete(ref(live), uid=live["metadata"]["uid"])
    assert store.read(ref(live)) is None


def test_the_status_of_what_is_gone_is_refused(store: Store) -> None:
    with pytest.raises(GoneError, match="Deployment default/a does not exist"):
        store.put_status(Ref(DEPLOYMENT, "default", "a"), {})


def test_a_kind_that_is_not_served_is_refused(store: Store) -> None:
    monitor = {"apiVersion": "monitoring.coreos.com/v1", "kind": "ServiceMonitor"}
    with pytest.raises(GoneError, match="ServiceMonitor is not served"):
        store.put({**monitor, "metadata": {"name": "a", "namespace": "default"}}, manager="m")


async def test_events_are_passed_on() -> None:
    told: list[Event] = []
    event = Event(Ref(DEPLOYMENT, "default", "a"), "u", "Normal", "Serving", "it serves")
    await Store(clock=lambda: NOW, on_event=told.append).record(event)
    assert told == [event]


def test_managed_fields_say_who_applied_what(store: Store) -> None:
    store.put(deployment(args=["a"]), manager="m")
    live = store.put(deployment(replicas=2), manager="scaler")
    entries = {each["manager"]: each["fieldsV1"]["f:spec"] for each in live["metadata"]["managedFields"]}
    assert entries == {"m": {"f:args": {}}, "scaler": {"f:replicas": {}}}
