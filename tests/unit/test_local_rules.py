"""Rules of the controllers on one host that need no process."""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ocr_operator.cluster.local.deployments import Bounds, choose, limits
from ocr_operator.cluster.local.processes import Place, environment, expand
from ocr_operator.cluster.local.store import Store
from ocr_operator.cluster.local.table import Table, age
from ocr_operator.models.manifest import OCR_SERVICE, Ref

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Pod:
    """As much of a pod as is looked at when pods to end are chosen."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.revision, self.ready = name.rstrip("0123456789!"), not name.endswith("!")


# `new`, `old`: revision; a number: ready; an exclamation mark: not ready.
CHOICES: Mapping[str, tuple[str, int, str]] = {
    "nothing to end when all is as asked": ("new1 new2", 2, ""),
    "a surplus pod that is not ready goes first": ("new1 new2! new3", 2, "new2!"),
    "an old pod stays until a new one is ready": ("old1 old2 new!", 2, ""),
    "an old pod goes once a new one is ready": ("old1 old2 new1", 2, "old1"),
    "all old pods go once all new ones are ready": ("old1 new1 new2", 2, "old1"),
    "an old pod that is not ready is kept while a new one fails": ("old1 old! new!", 2, ""),
    "an old pod that is not ready goes when new ones are ready": ("old! new1 new2", 2, "old!"),
    "all pods go when none is wanted": ("old1 new1 new!", 0, "new1 new! old1"),
}


@pytest.mark.parametrize(("pods", "desired", "ended"), CHOICES.values(), ids=CHOICES.keys())
def test_pods_to_end(pods: str, desired: int, ended: str) -> None:
    running: Any = [Pod(name) for name in pods.split()]
    chosen: Any = choose(running, "new", desired, Bounds(desired + 1, desired))
    assert sorted(pod.name for pod in chosen) == sorted(ended.split())


@pytest.mark.parametrize(
    ("rolling", "bounds"),
    [
        ({"maxSurge": "25%", "maxUnavailable": 0}, Bounds(most=3, least=2)),
        ({"maxSurge": 2, "maxUnavailable": 1}, Bounds(most=4, least=1)),
        ({"maxSurge": 0, "maxUnavailable": "25%"}, Bounds(most=2, least=1)),
        ({}, Bounds(most=3, least=2)),
    ],
)
def test_surge_is_rounded_up_and_unavailable_down(rolling: Mapping[str, Any], bounds: Bounds) -> None:
    assert limits(2, rolling) == bounds


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("--port=$(PORT)", "--port=80"),
        ("$(HOST):$(PORT)", "h:80"),
        ("$(NONE) $ (PORT) $PORT", "$(NONE) $ (PORT) $PORT"),
        ("$$(PORT)", "$(PORT)"),
        ("$$$(PORT)", "$80"),
    ],
)
def test_arguments_are_expanded_as_kubernetes_does(text: str, expanded: str) -> None:
    assert expand(text, {"PORT": "80", "HOST": "h"}) == expanded


def test_a_program_sees_its_own_variables_and_little_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/home/me/config")
    monkeypatch.setenv("OCR_MODELS_DIR", "/models")
    container = {
        "env": [
            {"name": "HOST", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
            {"name": "PORT", "value": "8080"},
            {"name": "LANG", "value": "C"},
        ]
    }
    values = environment(container, Place("pod", 1234, Path("/endpoints"), Path("/secrets")))
    wanted = {"HOST": "127.0.0.1", "PORT": "1234", "LANG": "C", "OCR_ENDPOINTS_DIR": "/endpoints"}
    assert wanted.items() <= values.items()
    assert values["OCR_MODELS_DIR"] == "/models"
    assert "KUBECONFIG" not in values


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-3, "0s"), (0, "0s"), (119, "119s"), (120, "2m"), (7199, "119m"), (7200, "2h"), (200_000, "2d")],
)
def test_an_age_is_brief(seconds: int, text: str) -> None:
    assert age(timedelta(seconds=seconds)) == text


def service(store: Store, ready: str, message: str) -> None:
    metadata = {"name": "invoices", "namespace": "default"}
    head = {"apiVersion": OCR_SERVICE.api_version, "kind": OCR_SERVICE.kind, "metadata": metadata}
    store.put({**head, "spec": {}}, manager="user")
    condition = {"type": "Ready", "status": ready, "reason": "Because", "message": message}
    store.put_status(Ref(OCR_SERVICE, "default", "invoices"), {"conditions": [condition]})


def test_rows_are_printed_once_a_change_when_nobody_watches() -> None:
    store, out, now = Store(clock=lambda: NOW), io.StringIO(), [NOW]
    table = Table(store, lambda: now[0], out, live=False)
    service(store, "False", "0 of 2 gateways ready")
    table.show()
    now[0] += timedelta(seconds=9)
    table.show()
    service(store, "True", "all is well")
    table.show()
    lines = [line.split() for line in out.getvalue().splitlines()]
    assert [line[:3] for line in lines] == [
        ["NAME", "READY", "REASON"],
        ["invoices", "False", "Because"],
        ["0", "of", "2"],
        ["invoices", "True", "Because"],
    ]


def test_a_terminal_shows_one_table_drawn_over_the_one_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    store, out = Store(clock=lambda: NOW), io.StringIO()
    table = Table(store, lambda: NOW, out, live=True)
    service(store, "False", "word " * 20)
    table.show()
    first = out.getvalue()
    table.say("something happened")
    assert max(len(line) for line in first.splitlines()) <= 60
    assert out.getvalue() == f"{first}\x1b[{len(first.splitlines())}F\x1b[Jsomething happened\n{first}"
