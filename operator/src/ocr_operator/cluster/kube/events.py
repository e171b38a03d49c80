"""Events of events.k8s.io/v1: what `kubectl describe` and `kubectl events` show of a service's life."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from ocr_operator.cluster.kube import paths
from ocr_operator.cluster.kube.http import Http, Request
from ocr_operator.cluster.port import Event, GoneError
from ocr_operator.models.manifest import Kind

EVENT: Final = Kind("events.k8s.io/v1", "Event", "events")
CONTROLLER: Final = "kubeocr.dev/ocr-operator"
# The API's limit on `note`.
NOTE_BYTES: Final = 1024
REMEMBERED: Final = 2048
# One object may say so much at once, then one event each minute: a flapping pod fills no etcd.
BURST: Final = 20
REFILL_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class _Said:
    """An Event that exists: its name and how often it was said."""

    name: str
    count: int


class Recorder:
    """Writes Events. The same words about the same object are one Event with a count."""

    def __init__(self, http: Http, *, instance: str, now: Callable[[], datetime]) -> None:
        """`instance` names this process, as the pod's name does."""
        self._http = http
        self._instance = instance[:128]
        self._now = now
        self._said: OrderedDict[Event, _Said] = OrderedDict()
        self._budget: OrderedDict[str, tuple[float, datetime]] = OrderedDict()

    async def record(self, event: Event) -> None:
        """Write it. Raises ClusterError; an Event over the object's budget is dropped."""
        if not self._allowed(event.uid):
            return
        said = self._said.get(event)
        if said is not None and await self._count(event, said):
            return
        name = self._name(event)
        await self._http.send(
            Request(
                "POST", paths.collection(EVENT, event.about.namespace), "events", body=self._body(event, name)
            )
        )
        self._remember(event, _Said(name, 1))

    async def _count(self, event: Event, said: _Said) -> bool:
        """Count it onto the existing Event; False if that is no more, as Events live an hour."""
        counted = replace(said, count=said.count + 1)
        series = {"count": counted.count, "lastObservedTime": _micro(self._now())}
        path = f"{paths.collection(EVENT, event.about.namespace)}/{said.name}"
        try:
            await self._http.send(
                Request(
                    "PATCH",
                    path,
                    "events",
                    body={"series": series},
                    content_type="application/merge-patch+json",
                )
            )
        except GoneError:
            return False
        self._remember(event, counted)
        return True

    def _remember(self, event: Event, said: _Said) -> None:
        self._said[event] = said
        self._said.move_to_end(event)
        if len(self._said) > REMEMBERED:
            self._said.popitem(last=False)

    def _allowed(self, uid: str) -> bool:
        now = self._now()
        left, since = self._budget.pop(uid, (float(BURST), now))
        # The clock may have been put back.
        passed = max(0.0, (now - since).total_seconds())
        left = min(float(BURST), left + passed / REFILL_SECONDS)
        self._budget[uid] = (left - 1 if left >= 1 else left, now)
        if len(self._budget) > REMEMBERED:
            self._budget.popitem(last=False)
        return left >= 1

    def _name(self, event: Event) -> str:
        moment = self._now().isoformat()
        digest = hashlib.sha256(f"{moment}{event}{self._instance}".encode()).hexdigest()[:16]
        return f"{event.about.name}.{digest}"

    def _body(self, event: Event, name: str) -> dict[str, Any]:
        about = event.about
        return {
            "apiVersion": EVENT.api_version,
            "kind": EVENT.kind,
            "metadata": {"name": name, "namespace": about.namespace},
            "eventTime": _micro(self._now()),
            "reportingController": CONTROLLER,
            "reportingInstance": self._instance,
            "action": "Reconcile",
            "reason": event.reason,
            "type": event.type,
            "note": _shorten(event.message),
            "regarding": {
                "apiVersion": about.kind.api_version,
                "kind": about.kind.kind,
                "namespace": about.namespace,
                "name": about.name,
                "uid": event.uid,
            },
        }


def _micro(moment: datetime) -> str:
    """metav1.MicroTime."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _shorten(note: str) -> str:
    encoded = note.encode()
    if len(encoded) <= NOTE_BYTES:
        return note
    return encoded[: NOTE_BYTES - 3].decode(errors="ignore") + "..."
