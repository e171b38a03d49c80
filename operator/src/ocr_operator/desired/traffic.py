"""How the gateways divide the requests: a file of theirs, so a change restarts nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from ocr_operator.desired.deployment import PORT
from ocr_operator.desired.metadata import child_name
from ocr_operator.desired.plan import Plan
from ocr_operator.desired.standing import owns
from ocr_operator.models.manifest import CONFIG_MAP, Manifest
from ocr_operator.models.names import API_VERSION, KIND, TRAFFIC, TRAFFIC_MANAGER

TRAFFIC_FILE: Final = "traffic.json"


def build_traffic(plan: Plan) -> Manifest | None:
    """This service's key of the ConfigMap that all services of a namespace share.

    It goes with the last of its owners, and nobody controls it.
    """
    if not plan.canary:
        return None
    service = plan.service.metadata
    weights = {
        f"{child_name(service.name, s)}:{PORT}": weight for s, weight in plan.revisions.weights.items()
    }
    content = json.dumps({"weights": weights, "since": split_seconds(plan.revisions.split)})
    owner = {"apiVersion": API_VERSION, "kind": KIND, "name": service.name, "uid": service.uid}
    return {
        "apiVersion": CONFIG_MAP.api_version,
        "kind": CONFIG_MAP.kind,
        "metadata": {"name": TRAFFIC, "namespace": service.namespace, "ownerReferences": [owner]},
        "data": {service.name: content},
    }


def traffic_manager(service: str) -> str:
    """The field manager of a service's key."""
    return f"{TRAFFIC_MANAGER}-{service}"


def is_told(live: Manifest | None, wanted: Manifest) -> bool:
    """Whether the live ConfigMap says what is wanted, and by us."""
    if live is None:
        return False
    (service,) = wanted["data"]
    said = {"data": wanted["data"], "metadata": {"ownerReferences": wanted["metadata"]["ownerReferences"]}}
    same = (live.get("data") or {}).get(service) == wanted["data"][service]
    return same and owns(live, said, traffic_manager(service))


def left_over(live: Manifest, service: str, wanted: Manifest | None) -> Iterator[str]:
    """Services whose key is to go: this one if it wants none, and those that are gone.

    The garbage collector takes who is gone from the owners of the ConfigMap, but leaves the key.
    """
    owners = {owner["name"] for owner in live["metadata"].get("ownerReferences") or ()}
    for name, content in (live.get("data") or {}).items():
        unwanted = wanted is None if name == service else name not in owners
        if unwanted and owns(live, {"data": {name: content}}, traffic_manager(name)):
            yield name


def without_key(live: Manifest, service: str) -> Manifest:
    """What the manager of a key applies to take it back; it stays an owner, or nobody would collect the rest.

    It holds for this very state of the ConfigMap: one that is gone is not made again, and a key that was
    written meanwhile stays.
    """
    metadata = live["metadata"]
    identity = {name: metadata[name] for name in ("name", "namespace", "uid", "resourceVersion")}
    owners = [each for each in metadata.get("ownerReferences") or () if each["name"] == service]
    head = {"apiVersion": CONFIG_MAP.api_version, "kind": CONFIG_MAP.kind}
    return {**head, "metadata": identity | ({"ownerReferences": owners} if owners else {})}


def split_seconds(split: str | None) -> int:
    """When the split was asked for, in seconds since the epoch, as a gateway tells it back."""
    return int(datetime.fromisoformat(split).timestamp()) if split else 0
