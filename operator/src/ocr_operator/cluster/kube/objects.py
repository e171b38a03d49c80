"""What watches and lists tell of an object in the same way: which one it is, and its version."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from ocr_operator.models.manifest import OCR_PROFILE, OWN_KINDS, Kind
from ocr_operator.models.names import SERVICE_LABEL
from ocr_operator.models.service import Key


class ObjectId(NamedTuple):
    """An object of any kind; `name` is its own if the kind is ours, else that of the service in its label."""

    plural: str
    uid: str
    namespace: str
    name: str


def identity(kind: Kind, metadata: Mapping[str, Any]) -> ObjectId:
    """Which object it is that has this metadata."""
    label = (metadata.get("labels") or {}).get(SERVICE_LABEL, "")
    name = metadata["name"] if kind in OWN_KINDS else label
    return ObjectId(kind.plural, metadata["uid"], metadata.get("namespace", ""), name)


def concerned(changed: Iterable[ObjectId], users: Callable[[str, str], Iterable[Key]]) -> set[Key]:
    """The services to look at when these objects have changed; `users` finds those that take a profile."""
    found = set[Key]()
    for each in changed:
        if each.plural == OCR_PROFILE.plural:
            found.update(users(each.namespace, each.name))
        else:
            found.add(Key(each.namespace, each.name))
    return found


def version_of(metadata: Mapping[str, Any]) -> int:
    """The resourceVersion as the number it is; it grows with every change (KEP-5504)."""
    text = metadata.get("resourceVersion", "")
    return int(text) if text.isdigit() else 0
