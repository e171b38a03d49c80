"""Which applies a reconcile sends, over the store that stands in for an API server on one host."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from ocr_operator.__main__ import OPERANDS
from ocr_operator.cluster.local.store import Store
from ocr_operator.cluster.port import ClusterError, ConflictError
from ocr_operator.config import load_operands
from ocr_operator.models.manifest import (
    DEPLOYMENT,
    OCR_SERVICE,
    PERSISTENT_VOLUME_CLAIM,
    SERVICE,
    Kind,
    Manifest,
    Ref,
)
from ocr_operator.models.names import COMPONENT_LABEL, MANAGER, REPLICAS_MANAGER, SLOTS
from ocr_operator.models.service import Key
from ocr_operator.reconcile import HINDERED_SECONDS, Reconciler
from ocr_operator.runtime.fleet import Fleet
from ocr_operator.runtime.metrics import Metrics
from ocr_operator.runtime.profiles import Profiles

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEY = Key("default", "invoices")
GATEWAY = Ref(DEPLOYMENT, "default", "invoices-gateway")
GATEWAY_SERVICE = Ref(SERVICE, "default", "invoices-gateway")


class Recording(Store):
    """A store that remembers who applied what."""

    def __init__(self) -> None:
        super().__init__(clock=lambda: NOW)
        self.applies: list[tuple[str, str]] = []
        self.lists: set[str] = set()
        self.after_list: Callable[[], None] = lambda: None

    async def create(self, manifest: Manifest, *, manager: str) -> Manifest:
        made = await super().create(manifest, manager=manager)
        self.applies.append((manager, f"{manifest['kind']} {manifest['metadata']['name']}"))
        return made

    async def apply(self, manifest: Manifest, *, manager: str) -> Manifest:
        self.applies.append((manager, f"{manifest['kind']} {manifest['metadata']['name']}"))
        return await super().apply(manifest, manager=manager)

    def taken(self) -> list[tuple[str, str]]:
        """What was applied since the last call."""
        taken, self.applies = self.applies, []
        return taken

    def wish(self, **spec: Any) -> None:
        """What the user wants."""
        metadata = {"name": KEY.name, "namespace": KEY.namespace}
        body = {"apiVersion": OCR_SERVICE.api_version, "kind": OCR_SERVICE.kind, "metadata": metadata}
        self.put({**body, "spec": spec}, manager="user")

    async def list(
        self, kind: Kind, namespace: str | None, labels: Mapping[str, str]
    ) -> tuple[Manifest, ...]:
        self.lists.add(kind.kind)
        found = await super().list(kind, namespace, labels)
        if kind == DEPLOYMENT:
            self.after_list()
        return found


@pytest.fixture
def store() -> Recording:
    """A store with a service."""
    store = Recording()
    store.wish()
    return store


@pytest.fixture
def reconcile(store: Recording) -> Reconciler:
    """What is tested."""

    async def scrape(_urls: Sequence[str]) -> tuple[str, ...]:
        return ()

    metrics = Metrics(version="1", kopf_version="1")
    fleet = Fleet(lambda _: None)
    return Reconciler(
        store, scrape, load_operands(OPERANDS), "0.1.0", lambda: NOW, metrics, fleet, Profiles()
    )


async def test_each_child_is_made_by_one_apply_and_left_alone_then(
    store: Recording, reconcile: Reconciler
) -> None:
    await reconcile(KEY)
    made = store.taken()
    assert len(made) == len(set(made)) == 10
    assert {manager for manager, _ in made} == {MANAGER}
    await reconcile(KEY)
    assert store.taken() == []


async def test_the_first_look_lists_deployments_alone_and_finds_by_name_what_a_crash_left(
    store: Recording, reconcile: Reconciler
) -> None:
    await reconcile(KEY)
    assert store.lists == {"Deployment", "Pod"}
    store.taken()
    store.remove(GATEWAY)
    store.put_status(Ref(OCR_SERVICE, *KEY), {})  # as before the first write of it
    await reconcile(KEY)
    assert store.lists == {"Deployment", "Pod"}
    assert store.taken() == [(MANAGER, "Deployment invoices-gateway")]
    await reconcile(KEY)
    assert "Service" in store.lists


async def test_a_status_that_is_lost_costs_the_revision_that_serves_none_of_its_pods(
    store: Recording, reconcile: Reconciler
) -> None:
    await reconcile(KEY)
    # As after a canary that took over: the other slot serves.
    first, other = (Ref(DEPLOYMENT, "default", f"invoices-{slot}") for slot in SLOTS)
    stable = store.read(first)
    assert stable is not None
    labels = stable["metadata"]["labels"] | {COMPONENT_LABEL: SLOTS[1]}
    owned = {"labels": labels, "ownerReferences": stable["metadata"]["ownerReferences"]}
    metadata = {"name": other.name, "namespace": "default", **owned}
    moved = {**{key: stable[key] for key in ("apiVersion", "kind", "spec")}, "metadata": metadata}
    store.put(moved, manager=MANAGER)
    store.remove(first)
    for _ in range(2):
        store.put_status(Ref(OCR_SERVICE, *KEY), {})
        await reconcile(KEY)
        await reconcile(KEY)
    assert store.read(first) is None
    found = store.read(other)
    assert found is not None
    assert found["spec"]["replicas"] == stable["spec"]["replicas"]


@pytest.mark.parametrize("change", [{"limits": {"maxPages": 9}}, {"replicas": 3}], ids=["pods", "number"])
async def test_a_deployment_that_goes_while_it_is_changed_is_not_made_anew_with_a_single_pod(
    store: Recording, reconcile: Reconciler, change: dict[str, Any]
) -> None:
    await reconcile(KEY)
    store.wish(gateway=change)
    store.after_list = lambda: store.remove(GATEWAY)
    with pytest.raises(ClusterError, match="there is none with uid"):
        await reconcile(KEY)
    assert store.read(GATEWAY) is None
    store.after_list = lambda: None
    await reconcile(KEY)
    made = store.read(GATEWAY)
    assert made is not None
    assert made["spec"]["replicas"] == change.get("replicas", 2)


async def test_a_change_of_the_pods_leaves_their_number_to_its_own_manager_and_never_touches_it(
    store: Recording, reconcile: Reconciler
) -> None:
    await reconcile(KEY)
    numbers: list[int] = []
    store.subscribe(lambda ref, live: numbers.append(live["spec"]["replicas"]) if ref == GATEWAY else None)
    for seconds in (7, 8):
        store.taken()
        store.wish(gateway={"drainSeconds": seconds})
        await reconcile(KEY)
    # The second change finds it handed over.
    assert (REPLICAS_MANAGER, "Deployment invoices-gateway") not in store.taken()
    assert set(numbers) == {2}
    await reconcile(KEY)
    assert store.taken() == []


async def test_a_number_that_somebody_changed_is_put_right(store: Recording, reconcile: Reconciler) -> None:
    await reconcile(KEY)
    store.taken()
    head = {"apiVersion": DEPLOYMENT.api_version, "kind": DEPLOYMENT.kind}
    metadata = {"name": GATEWAY.name, "namespace": GATEWAY.namespace}
    store.put({**head, "metadata": metadata, "spec": {"replicas": 9}}, manager="somebody")
    await reconcile(KEY)
    assert store.taken() == [(REPLICAS_MANAGER, "Deployment invoices-gateway")]
    live = store.read(GATEWAY)
    assert live is not None
    assert live["spec"]["replicas"] == 2


async def test_a_strangers_object_is_left_alone_and_the_others_are_made(
    store: Recording, reconcile: Reconciler
) -> None:
    head = {"apiVersion": SERVICE.api_version, "kind": SERVICE.kind}
    metadata = {"name": "invoices-gateway", "namespace": "default"}
    theirs = store.put({**head, "metadata": metadata, "spec": {"ports": []}}, manager="somebody")
    await reconcile(KEY)
    assert store.read(Ref(SERVICE, "default", "invoices-gateway")) == theirs
    assert len(store.taken()) == 9
    assert "belongs to someone else" in stalled(store)["message"]


async def test_what_a_deleted_service_of_this_name_has_left_makes_room_without_waiting_for_kubernetes(
    store: Recording, reconcile: Reconciler
) -> None:
    theirs = left_by_the_former(store)
    await reconcile(KEY)
    live = store.read(GATEWAY_SERVICE)
    assert live is not None
    assert live["metadata"]["uid"] != theirs["metadata"]["uid"]
    assert len(store.taken()) == 10
    assert stalled(store)["status"] == "False"


async def test_what_has_another_owner_beside_a_deleted_service_of_this_name_is_left_alone(
    store: Recording, reconcile: Reconciler
) -> None:
    other = {"apiVersion": "v1", "kind": "ConfigMap", "name": "a", "uid": "living"}
    theirs = left_by_the_former(store, other)
    await reconcile(KEY)
    assert store.read(GATEWAY_SERVICE) == theirs
    assert "belongs to someone else" in stalled(store)["message"]


async def test_what_somebody_ties_to_this_very_service_without_its_control_is_left_alone(
    store: Recording, reconcile: Reconciler
) -> None:
    body = store.read(Ref(OCR_SERVICE, *KEY))
    assert body is not None
    theirs = left_by_the_former(store, uid=body["metadata"]["uid"], controller=False)
    await reconcile(KEY)
    assert store.read(GATEWAY_SERVICE) == theirs
    assert "belongs to someone else" in stalled(store)["message"]


async def test_who_has_read_a_service_that_was_made_again_since_deletes_nothing_of_the_new_one(
    store: Recording, reconcile: Reconciler
) -> None:
    def make_again() -> None:
        store.remove(Ref(OCR_SERVICE, *KEY))
        store.wish()
        left_by_the_former(store)

    store.after_list = make_again
    with pytest.raises(ConflictError, match="made again"):
        await reconcile(KEY)
    assert store.read(GATEWAY_SERVICE) is not None


def stalled(store: Recording) -> Any:
    """What the status says of trouble."""
    body = store.read(Ref(OCR_SERVICE, *KEY))
    assert body is not None
    return next(each for each in body["status"]["conditions"] if each["type"] == "Stalled")


def left_by_the_former(store: Recording, *others: Manifest, **differs: Any) -> Manifest:
    """A Service with a child's name that belongs to an OCRService of this name with another uid."""
    owner = {
        "apiVersion": OCR_SERVICE.api_version,
        "kind": OCR_SERVICE.kind,
        "name": KEY.name,
        "uid": "former",
        "controller": True,
        **differs,
    }
    head = {"apiVersion": SERVICE.api_version, "kind": SERVICE.kind}
    references = {"ownerReferences": [owner, *others]}
    metadata = {"name": "invoices-gateway", "namespace": "default", **references}
    return store.put({**head, "metadata": metadata, "spec": {"ports": []}}, manager="somebody")


async def test_a_claim_that_is_not_there_keeps_what_runs_until_it_is(
    store: Recording, reconcile: Reconciler
) -> None:
    await reconcile(KEY)
    store.taken()
    claim = {"persistentVolumeClaim": {"claimName": "models"}}
    store.wish(model={"name": "receipts", "source": claim, "sha256": "0" * 64})
    outcome = await reconcile(KEY)
    assert store.taken() == []
    assert outcome.requeue_after == HINDERED_SECONDS
    live = store.read(Ref(OCR_SERVICE, *KEY))
    assert live is not None
    accepted = next(each for each in live["status"]["conditions"] if each["type"] == "SpecAccepted")
    assert (accepted["status"], accepted["reason"]) == ("False", "ClaimNotFound")
    head = {"apiVersion": PERSISTENT_VOLUME_CLAIM.api_version, "kind": PERSISTENT_VOLUME_CLAIM.kind}
    store.put({**head, "metadata": {"name": "models", "namespace": KEY.namespace}}, manager="somebody")
    await reconcile(KEY)
    # The number of pods is handed over first.
    handed = (REPLICAS_MANAGER, "Deployment invoices-model-server")
    assert store.taken() == [handed, (MANAGER, "Deployment invoices-model-server")]
