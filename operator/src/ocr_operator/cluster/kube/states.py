"""What lists of everything tell of each service."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from ocr_operator.cluster.kube.cluster import Listed, Listing
from ocr_operator.models.manifest import CHILD_KINDS, OCR_PROFILE, OCR_SERVICE, Kind
from ocr_operator.models.service import Key


def states(listings: Mapping[Kind, Listing[Listed]]) -> dict[Key, int]:
    """For each service a number that is another one when it, a child or a profile beside it has changed.

    A sum, so that it takes no memory for each object and asks for no order.
    """
    profiles = Counter[str]()
    for profile in listings[OCR_PROFILE].items:
        profiles[profile.namespace] += _state(profile)
    found = {
        Key(service.namespace, service.name): _state(service) + profiles[service.namespace]
        for service in listings[OCR_SERVICE].items
    }
    for kind in CHILD_KINDS:
        for child in listings[kind].items:
            key = Key(child.namespace, child.service)
            if key in found:
                found[key] += _state(child)
    return found


def _state(listed: Listed) -> int:
    return hash((listed.uid, listed.version))
