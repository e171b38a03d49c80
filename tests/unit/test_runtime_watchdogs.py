"""Freshness, health and metrics."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest
from aiohttp import web

from ocr_operator.models.service import Key
from ocr_operator.models.status import ComponentStatus, Condition, Status
from ocr_operator.runtime.freshness import Freshness
from ocr_operator.runtime.health import Health, create_app, limit, serve
from ocr_operator.runtime.metrics import CONTENT_TYPE, Metrics

KEY = Key("shop", "invoices")
LABELS = 'name="invoices",namespace="shop"'


class Clock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_watches_that_told_what_the_list_shows_owe_nothing() -> None:
    clock = Clock()
    freshness: Freshness[str] = Freshness(clock)
    freshness.saw("a", 5)
    freshness.saw("b", 9)
    assert freshness.expect({"a": 5, "b": 7}, at=8) == set()
    clock.now = 100.0
    assert freshness.behind_seconds() == 0.0


def test_a_change_that_no_watch_told_is_owed_since_the_first_list_that_showed_it() -> None:
    clock = Clock()
    freshness: Freshness[str] = Freshness(clock)
    freshness.saw("a", 5)
    assert freshness.expect({"a": 6, "b": 3}, at=6) == {"a", "b"}
    freshness.saw("b", 3)
    clock.now = 50.0
    assert freshness.expect({"a": 8, "b": 3}, at=8) == {"a"}
    clock.now = 60.0
    assert freshness.behind_seconds() == 60.0
    freshness.saw("a", 7)
    assert freshness.behind_seconds() == 60.0
    freshness.saw("a", 8)
    assert freshness.behind_seconds() == 0.0


def test_an_object_that_vanished_is_not_owed() -> None:
    clock = Clock()
    freshness: Freshness[str] = Freshness(clock)
    freshness.expect({"a": 6}, at=6)
    freshness.expect({}, at=7)
    clock.now = 100.0
    assert freshness.behind_seconds() == 0.0


def test_an_object_that_is_younger_than_the_list_is_remembered() -> None:
    freshness: Freshness[str] = Freshness(Clock())
    freshness.saw("old", 3)
    freshness.saw("young", 9)
    freshness.expect({}, at=5)
    freshness.expect({"young": 9}, at=10)
    assert freshness.behind_seconds() == 0.0
    freshness.expect({"old": 3}, at=11)
    freshness.saw("young", 12)
    assert freshness._behind.keys() == {"old"}


def test_an_end_that_no_watch_told_is_found_once() -> None:
    freshness: Freshness[str] = Freshness(Clock())
    for key in ("told", "lost", "back"):
        freshness.saw(key, 3)
    freshness.saw("told", 4, gone=True)
    # It had lost the labels by which it is selected, and got them again.
    freshness.saw("back", 5, gone=True)
    freshness.saw("back", 6)
    assert freshness.expect({"back": 6}, at=7) == {"lost"}
    assert freshness.expect({"back": 6}, at=8) == set()
    assert freshness.expect({}, at=9) == {"back"}


@pytest.fixture
async def server() -> AsyncIterator[tuple[str, Health]]:
    health = Health()
    runner = await serve(create_app(health, lambda: b"text", CONTENT_TYPE), "127.0.0.1", 0)
    host, port = runner.addresses[0][:2]
    yield f"http://{host}:{port}", health
    await runner.cleanup()


async def test_healthz_and_readyz_say_what_is_wrong(server: tuple[str, Health]) -> None:
    url, health = server
    seconds = 0.0
    health.alive["queue"] = limit(lambda: seconds, 300.0, "nobody works")
    health.ready["start"] = lambda: "the CRD is missing"
    async with httpx.AsyncClient(base_url=url) as client:
        assert (await client.get("/healthz")).text == "ok"
        unready = await client.get("/readyz")
        assert (unready.status_code, unready.text) == (503, "start: the CRD is missing")
        seconds = 301.0
        dead = await client.get("/healthz")
        assert (dead.status_code, dead.text) == (503, "queue: nobody works for 301 s")
        assert "queue: nobody works" in (await client.get("/readyz")).text
        assert (await client.get("/metrics")).headers["Content-Type"] == CONTENT_TYPE


def test_what_a_reconcile_took_is_told_more_finely_than_what_each_kind_of_request_took() -> None:
    metrics = Metrics(version="1", kopf_version="1")
    metrics.reconciled("success", 1.4)
    metrics.requested("GET", "pods", "200", 1.4)
    lines = metrics.expose().decode().splitlines()
    reconciles = [line.split('"') for line in lines if "reconcile_duration_seconds_bucket" in line]
    assert [le for _, le, count in reconciles if count == "} 0.0"][-1] == "1.25"
    requests = [line for line in lines if "k8s_request_duration_seconds_bucket" in line]
    assert 2 * len(requests) < len(reconciles)


async def test_a_port_that_is_taken_is_an_error_and_leaves_nothing(server: tuple[str, Health]) -> None:
    url, _ = server
    with pytest.raises(OSError, match="address already in use"):
        await serve(web.Application(), "127.0.0.1", int(url.rpartition(":")[2]))


def status(*conditions: tuple[str, str], ready: int = 1) -> Status:
    """A status with these conditions and a gateway."""
    return Status(
        conditions=tuple(
            Condition(
                type=kind,
                status=value,
                reason="R",
                message="",
                last_transition_time="2026-01-01T00:00:00Z",
                observed_generation=1,
            )
            for kind, value in conditions
        ),
        components=(
            ComponentStatus(name="gateway", desired=2, ready=ready, updated=2, summary="", image="i"),
        ),
    )


def series(metrics: Metrics) -> list[str]:
    """The lines about services."""
    lines = metrics.expose().decode().splitlines()
    return [line for line in lines if line.startswith("ocr_operator_resource_")]


def test_a_services_series_show_its_last_status_and_go_with_it() -> None:
    metrics = Metrics(version="1", kopf_version="2")
    metrics.judged(Key("other", "invoices"), status(("Ready", "True")))
    others = series(metrics)
    metrics.judged(KEY, status(("Ready", "False"), ("Stalled", "True")))
    metrics.judged(KEY, status(("Ready", "True"), ready=2))
    own = [line for line in series(metrics) if 'namespace="shop"' in line]
    assert f'ocr_operator_resource_condition{{{LABELS},status="True",type="Ready"}} 1.0' in own
    assert f'ocr_operator_resource_condition{{{LABELS},status="False",type="Ready"}} 0.0' in own
    ready = f'ocr_operator_resource_replicas{{component="gateway",{LABELS},state="ready"}} 2.0'
    assert ready in own
    assert not any("Stalled" in line for line in own)
    assert set(metrics.known()) == {KEY, Key("other", "invoices")}
    metrics.forgotten(KEY)
    metrics.forgotten(KEY)
    assert series(metrics) == others
    assert metrics.known() == (Key("other", "invoices"),)


def test_a_service_that_is_being_deleted_shows_only_since_when() -> None:
    metrics = Metrics(version="1", kopf_version="2")
    metrics.found(KEY, 3, 2)
    metrics.judged(KEY, status(("Ready", "True")))
    metrics.going(KEY, datetime(2026, 1, 1, tzinfo=UTC))
    stamp = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
    (line,) = series(metrics)
    assert line.startswith(f"ocr_operator_resource_deletion_timestamp_seconds{{{LABELS}}} ")
    assert float(line.split()[1]) == stamp
    metrics.found(KEY, 1, None)  # another one of the same name
    assert not any("deletion" in line for line in series(metrics))


def test_a_generation_that_was_found_is_not_observed_before_the_status_says_so() -> None:
    metrics = Metrics(version="1", kopf_version="2")
    metrics.found(KEY, 3, 2)
    assert f"ocr_operator_resource_generation{{{LABELS}}} 3.0" in series(metrics)
    assert f"ocr_operator_resource_observed_generation{{{LABELS}}} 2.0" in series(metrics)
    metrics.judged(KEY, Status(observed_generation=3))
    assert f"ocr_operator_resource_observed_generation{{{LABELS}}} 3.0" in series(metrics)


def test_a_child_that_changes_though_we_want_the_same_is_a_drift_that_was_corrected() -> None:
    metrics = Metrics(version="1", kopf_version="2")

    def drifts() -> float | None:
        return metrics.registry.get_sample_value("ocr_operator_drift_corrections_total", {"kind": "Service"})

    wanted = {"kind": "Service", "spec": {"ports": [80]}}
    other = {"kind": "Service", "spec": {"ports": [443]}}
    metrics.applied(KEY, [(wanted, "created")])  # the first time: nothing is known
    metrics.applied(Key("other", "invoices"), [(wanted, "created")])  # another service's
    metrics.applied(KEY, [(wanted, "unchanged")])
    metrics.applied(KEY, [(other, "changed")])  # by us: we want something else
    assert drifts() == 0
    metrics.applied(KEY, [(other, "changed")])
    metrics.applied(KEY, [(other, "created")])  # somebody had deleted it
    assert drifts() == 2
    metrics.applied(KEY, [])
    metrics.applied(KEY, [(other, "created")])  # we had pruned it
    assert drifts() == 2


def test_a_watch_that_begins_again_is_a_restart_and_its_first_one_is_none() -> None:
    metrics = Metrics(version="1", kopf_version="2")

    def restarts() -> float | None:
        labels = {"resource": "services"}
        return metrics.registry.get_sample_value("ocr_operator_watch_restarts_total", labels)

    for namespace in ("a", "b"):
        metrics.watching(f"/api/v1/namespaces/{namespace}/services")
    assert restarts() == 0
    metrics.watching("/api/v1/namespaces/a/services")
    assert restarts() == 1


def test_two_registries_share_nothing() -> None:
    first, second = Metrics(version="1", kopf_version="2"), Metrics(version="1", kopf_version="2")
    first.status_written()
    assert b"ocr_operator_status_writes_total 1.0" in first.expose()
    assert b"ocr_operator_status_writes_total 0.0" in second.expose()
