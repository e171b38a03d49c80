"""The API server's role: objects in memory behind the `Cluster` port."""

from __future__ import annotations

import copy
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from ocr_operator.cluster.port import ConflictError, Event, GoneError
from ocr_operator.models.manifest import DEPLOYMENT, OPTIONAL_KINDS, Kind, Manifest, Ref, ref

# What an API server keeps to itself, whatever is applied.
SERVER_FIELDS: Final = ("uid", "resourceVersion", "generation", "creationTimestamp")


@dataclass(slots=True)
class _Entry:
    """One object: what each manager applied last (the newest last), the status, and the result."""

    metadata: dict[str, Any]
    applied: dict[str, Manifest] = field(default_factory=dict)
    status: dict[str, Any] | None = None
    live: Manifest = field(default_factory=dict)

    def compose(self) -> Manifest:
        live: Manifest = {}
        for manifest in self.applied.values():
            live = merge(live, {key: value for key, value in manifest.items() if key != "status"})
        if live.get("kind") == DEPLOYMENT.kind:
            live = merge({"spec": {"replicas": 1}}, live)
        live["metadata"] = {**live["metadata"], "managedFields": self.owners(), **self.metadata}
        if self.status is not None:
            live["status"] = self.status
        return live

    def owners(self) -> list[dict[str, Any]]:
        """Which manager applied which fields."""
        return [
            {"manager": manager, "operation": "Apply", "fieldsV1": fields(manifest)}
            for manager, manifest in self.applied.items()
        ]


class Store:
    """Objects in memory; one host and one event loop, so there are no conflicts and no watch that ends.

    Server-side apply is reduced to what the operator relies on: an object is the merge of what each manager
    applied last, lists as a whole, the latest manager on top; what a manager no longer applies is gone.
    `on_change` hears of every object that came, changed or went; `on_event` gets the recorded Events.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], datetime],
        on_event: Callable[[Event], None] = lambda _event: None,
    ) -> None:
        self._clock = clock
        self._on_event = on_event
        self._entries: dict[Ref, _Entry] = {}
        self._listeners: list[Callable[[Ref, Manifest], None]] = []
        self._version = 0

    def subscribe(self, listener: Callable[[Ref, Manifest], None]) -> None:
        """Call `listener` with every object that came, changed or went, at once and in order."""
        self._listeners.append(listener)

    # The Cluster port.

    async def get(self, ref: Ref) -> Manifest | None:
        """See Cluster."""
        return self.read(ref)

    async def exists(self, ref: Ref) -> bool:
        """See Cluster."""
        return ref in self._entries

    async def list(
        self, kind: Kind, namespace: str | None, labels: Mapping[str, str]
    ) -> tuple[Manifest, ...]:
        """See Cluster."""
        return tuple(self.select(kind, namespace, labels))

    async def serves(self, kind: Kind) -> bool:
        """See Cluster. Nobody installs CRDs on one host."""
        return kind not in OPTIONAL_KINDS

    async def create(self, manifest: Manifest, *, manager: str) -> Manifest:
        """See Cluster."""
        if (key := ref(manifest)) in self._entries:
            raise ConflictError(f"{key}: it is there already")
        return self.put(manifest, manager=manager)

    async def apply(self, manifest: Manifest, *, manager: str) -> Manifest:
        """See Cluster."""
        return self.put(manifest, manager=manager)

    async def apply_status(self, manifest: Manifest, *, manager: str) -> Manifest:
        """See Cluster."""
        return self.put_status(ref(manifest), manifest.get("status") or {})

    async def delete(self, ref: Ref, *, uid: str) -> None:
        """See Cluster."""
        entry = self._entries.get(ref)
        if entry is not None and entry.metadata["uid"] == uid:
            self.remove(ref)

    async def record(self, event: Event) -> None:
        """See Cluster."""
        self.announce(event)

    # What the controllers on this host use: the same, without waiting.

    def read(self, ref: Ref) -> Manifest | None:
        """A copy of the object, or None."""
        entry = self._entries.get(ref)
        return copy.deepcopy(entry.live) if entry else None

    def select(
        self, kind: Kind, namespace: str | None = None, labels: Mapping[str, str] | None = None
    ) -> Iterator[Manifest]:
        """Copies of the objects of a kind that carry all labels, in the order of their creation."""
        wanted = (labels or {}).items()
        for key, entry in tuple(self._entries.items()):
            labelled = wanted <= (entry.live["metadata"].get("labels") or {}).items()
            if labelled and key.kind == kind and namespace in (None, key.namespace):
                yield copy.deepcopy(entry.live)

    def announce(self, event: Event) -> None:
        """Pass an Event on."""
        self._on_event(event)

    def put(self, manifest: Manifest, *, manager: str) -> Manifest:
        """Server-side apply with force; the answer is the live object.

        Raises GoneError: the kind is not served; ConflictError: it is for an object of another uid.
        """
        key = ref(manifest)
        if key.kind in OPTIONAL_KINDS:
            raise GoneError(f"{key.kind.kind} is not served without a cluster")
        entry = self._entries.get(key)
        uid = manifest["metadata"].get("uid")
        if uid is not None and (entry is None or entry.metadata["uid"] != uid):
            raise ConflictError(f"{key}: there is none with uid {uid}")
        if entry is None:
            entry = _Entry({"uid": str(uuid.uuid4()), "generation": 1, "creationTimestamp": self._now()})
            self._entries[key] = entry
        entry.applied.pop(manager, None)
        entry.applied[manager] = _without_server_fields(manifest)
        self._settle(key, entry)
        return copy.deepcopy(entry.live)

    def put_status(self, ref: Ref, status: Mapping[str, Any]) -> Manifest:
        """Replace the status; the answer is the live object. Raises GoneError if there is no such object."""
        entry = self._entries.get(ref)
        if entry is None:
            raise GoneError(f"{ref} does not exist")
        entry.status = copy.deepcopy(dict(status))
        self._settle(ref, entry)
        return copy.deepcopy(entry.live)

    def remove(self, ref: Ref) -> None:
        """Delete the object and all that it owns. None is no error."""
        entry = self._entries.pop(ref, None)
        if entry is None:
            return
        self._tell(ref, entry.live)
        uid = entry.metadata["uid"]
        for key, other in tuple(self._entries.items()):
            if any(o["uid"] == uid for o in other.live["metadata"].get("ownerReferences") or ()):
                self.remove(key)

    def _settle(self, key: Ref, entry: _Entry) -> None:
        """Bring the live object up to date; nothing is told and no version rises when nothing changed."""
        old, new = entry.live, entry.compose()
        if old and new.get("spec") != old.get("spec"):
            entry.metadata["generation"] += 1
        elif old and _content(new) == _content(old):
            return
        self._version += 1
        entry.metadata["resourceVersion"] = str(self._version)
        entry.live = copy.deepcopy({**new, "metadata": {**new["metadata"], **entry.metadata}})
        self._tell(key, entry.live)

    def _tell(self, key: Ref, live: Manifest) -> None:
        for listener in self._listeners:
            listener(key, live)

    def _now(self) -> str:
        return timestamp(self._clock())


def timestamp(moment: datetime) -> str:
    """RFC 3339 in seconds, as metav1.Time prints it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """`above` over `below`: mappings member by member, everything else as a whole."""
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        merged[key] = merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged


def fields(value: Any) -> dict[str, Any]:
    """The set of fields of a value as FieldsV1: mappings member by member, everything else as a whole."""
    if not isinstance(value, Mapping):
        return {}
    return {f"f:{name}": fields(inner) for name, inner in value.items()}


def _content(live: Manifest) -> Manifest:
    metadata = {key: value for key, value in live["metadata"].items() if key not in SERVER_FIELDS}
    return {**live, "metadata": metadata}


def _without_server_fields(manifest: Manifest) -> Manifest:
    return copy.deepcopy(_content(manifest))
