"""The ConfigMap that services with a canary share: who writes which key, and when one goes."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from ocr_operator.__main__ import OPERANDS
from ocr_operator.cluster.local.store import Store
from ocr_operator.config import load_operands
from ocr_operator.desired.traffic import left_over, without_key
from ocr_operator.models.manifest import CONFIG_MAP, OCR_SERVICE, Manifest, Ref
from ocr_operator.models.names import TRAFFIC
from ocr_operator.models.service import Key
from ocr_operator.reconcile import Reconciler
from ocr_operator.runtime.fleet import Fleet
from ocr_operator.runtime.metrics import Metrics
from ocr_operator.runtime.profiles import Profiles

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
CANARY, ROLLING = {"strategy": "Canary"}, {"strategy": "RollingUpdate"}
SHARED = Ref(CONFIG_MAP, "default", TRAFFIC)


class Recording(Store):
    """A store that remembers who applied the shared ConfigMap."""

    def __init__(self) -> None:
        super().__init__(clock=lambda: NOW)
        self.managers: list[str] = []

    async def apply(self, manifest: Manifest, *, manager: str) -> Manifest:
        if manifest["kind"] == CONFIG_MAP.kind:
            self.managers.append(manager)
        return await super().apply(manifest, manager=manager)

    def wish(self, name: str, rollout: dict[str, Any]) -> None:
        """What the user of a service wants."""
        metadata = {"name": name, "namespace": "default"}
        body = {"apiVersion": OCR_SERVICE.api_version, "kind": OCR_SERVICE.kind, "metadata": metadata}
        self.put({**body, "spec": {"rollout": rollout}}, manager="user")

    def keys(self) -> set[str]:
        """Who has a key."""
        return set((self.read(SHARED) or {}).get("data", ()))


@pytest.fixture
def store() -> Recording:
    """A store without services."""
    return Recording()


@pytest.fixture
def reconcile(store: Recording) -> Reconciler:
    """What is tested."""

    async def scrape(urls: Sequence[str]) -> tuple[str, ...]:
        return ()

    metrics = Metrics(version="1", kopf_version="1")
    fleet = Fleet(lambda _: None)
    return Reconciler(
        store, scrape, load_operands(OPERANDS), "0.1.0", lambda: NOW, metrics, fleet, Profiles()
    )


async def test_a_key_that_stands_is_not_written_again(store: Recording, reconcile: Reconciler) -> None:
    store.wish("a", CANARY)
    await reconcile(Key("default", "a"))
    await reconcile(Key("default", "a"))
    assert store.managers == ["ocr-operator-traffic-a"]


async def test_a_service_that_wants_no_canary_any_more_takes_its_key_back(
    store: Recording, reconcile: Reconciler
) -> None:
    for name in ("a", "b"):
        store.wish(name, CANARY)
        await reconcile(Key("default", name))
    store.wish("a", ROLLING)
    await reconcile(Key("default", "a"))
    assert store.keys() == {"b"}


async def test_nothing_is_made_for_a_service_without_a_canary(
    store: Recording, reconcile: Reconciler
) -> None:
    store.wish("a", ROLLING)
    await reconcile(Key("default", "a"))
    await reconcile(Key("default", "gone"))
    assert store.managers == []


def shared(keys: Sequence[str], owners: Sequence[str], manager: str = "ocr-operator-traffic-") -> Manifest:
    """The ConfigMap, as the API has it."""
    fields = [
        {
            "manager": f"{manager}{key}",
            "operation": "Apply",
            "fieldsV1": {"f:data": {f"f:{key}": {}}},
        }
        for key in keys
    ]
    return {
        "metadata": {
            "name": TRAFFIC,
            "namespace": "default",
            "uid": "u",
            "resourceVersion": "7",
            "ownerReferences": [{"name": owner} for owner in owners],
            "managedFields": fields,
        },
        "data": dict.fromkeys(keys, "{}"),
    }


def test_the_key_of_a_service_that_is_gone_is_taken_back_by_any_other() -> None:
    wanted = {"data": {"a": "{}"}}
    assert list(left_over(shared("abc", "ab"), "a", wanted)) == ["c"]


def test_a_key_that_somebody_else_wrote_stays() -> None:
    assert list(left_over(shared("ab", "a", manager="helm-"), "a", {"data": {"a": "{}"}})) == []


def test_a_key_is_only_taken_from_the_very_object_that_was_read() -> None:
    metadata = without_key(shared("ab", "ab"), "a")["metadata"]
    identity = {"name": TRAFFIC, "namespace": "default", "uid": "u", "resourceVersion": "7"}
    assert metadata == {**identity, "ownerReferences": [{"name": "a"}]}
