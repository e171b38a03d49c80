"""What is kept of long lists, and what they tell of each service."""

import weakref
from typing import Any, cast

from ocr_operator.cluster.kube.cluster import PAGE, KubeCluster, Listed, Listing
from ocr_operator.cluster.kube.http import Http, Request
from ocr_operator.cluster.kube.states import states
from ocr_operator.models.manifest import (
    CHILD_KINDS,
    DEPLOYMENT,
    OCR_PROFILE,
    OCR_SERVICE,
    OWN_KINDS,
)
from ocr_operator.models.names import SERVICE_LABEL
from ocr_operator.models.service import Key

PAGES = 4


class Metadata(dict[str, Any]):
    """What is large of an object, and whose end can be seen."""


class Pages:
    """Stands where the connection does, and counts the objects that somebody still holds."""

    def __init__(self) -> None:
        self._sent: list[weakref.ref[Metadata]] = []
        self.held_at_most = 0

    async def send(self, request: Request) -> dict[str, Any]:
        """The page that the token asks for."""
        self.held_at_most = max(self.held_at_most, sum(each() is not None for each in self._sent))
        number = int((request.query or {}).get("continue", 0))
        after = {"continue": str(number + 1)} if number + 1 < PAGES else {}
        found = [_metadata(number * PAGE + each) for each in range(PAGE)]
        self._sent += map(weakref.ref, found)
        return {
            "metadata": {"resourceVersion": "77", **after},
            "items": [{"metadata": each} for each in found],
        }


def _metadata(number: int) -> Metadata:
    fields = [{"manager": "m", "fieldsV1": {"f:spec": {}}}]
    labels = {SERVICE_LABEL: "invoices", "a": "b"}
    identity = {"name": f"d{number}", "namespace": "team", "uid": f"u{number}", "labels": labels}
    return Metadata(**identity, resourceVersion="7", managedFields=fields)


async def test_of_a_long_list_of_versions_one_page_is_held_at_a_time() -> None:
    pages = Pages()
    cluster = KubeCluster(cast("Http", pages), cast("Any", None), cast("Any", None), [])
    listing = await cluster.list_versions(DEPLOYMENT, {})
    assert listing.version == 77
    expected = tuple(Listed("team", f"d{n}", f"u{n}", 7, "invoices") for n in range(PAGES * PAGE))
    assert listing.items == expected
    assert pages.held_at_most == PAGE


def listing(*items: Listed) -> Listing[Listed]:
    """What a list found."""
    return Listing(items, 9)


def test_a_service_has_another_state_when_it_or_a_child_or_a_profile_beside_it_has_changed() -> None:
    service = Listed("a", "invoices", "u1", 1, "")
    other = Listed("b", "invoices", "u2", 1, "")
    child = Listed("a", "invoices-gateway", "u3", 5, "invoices")
    profile = Listed("a", "shared", "u4", 3, "")
    nothing = dict.fromkeys((*OWN_KINDS, *CHILD_KINDS), listing())
    found = {
        **nothing,
        OCR_SERVICE: listing(service, other),
        OCR_PROFILE: listing(profile),
        DEPLOYMENT: listing(child, Listed("a", "x", "u5", 1, "gone")),
    }
    before = states(found)
    assert before.keys() == {Key("a", "invoices"), Key("b", "invoices")}
    assert states(found) == before
    for kind, changed in (
        (OCR_SERVICE, listing(service._replace(version=2), other)),
        (DEPLOYMENT, listing(child._replace(version=6))),
        (DEPLOYMENT, listing(child._replace(uid="u6"))),
        (DEPLOYMENT, listing()),
        (OCR_PROFILE, listing(profile._replace(version=4))),
    ):
        after = states({**found, kind: changed})
        assert after[Key("a", "invoices")] != before[Key("a", "invoices")]
        assert after[Key("b", "invoices")] == before[Key("b", "invoices")]
