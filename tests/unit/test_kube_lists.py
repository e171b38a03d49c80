"""What is kept of long lists."""

import weakref
from typing import Any, cast

from ocr_operator.cluster.kube.cluster import PAGE, KubeCluster
from ocr_operator.cluster.kube.http import Http, Request
from ocr_operator.cluster.kube.objects import ObjectId, concerned, identity
from ocr_operator.models.manifest import DEPLOYMENT, OCR_PROFILE, OCR_SERVICE
from ocr_operator.models.names import SERVICE_LABEL
from ocr_operator.models.service import Key
from ocr_operator.runtime.profiles import Profiles

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
    expected = tuple((ObjectId("deployments", f"u{n}", "team", "invoices"), 7) for n in range(PAGES * PAGE))
    assert listing.items == expected
    assert pages.held_at_most == PAGE


def test_who_an_object_belongs_to_is_told_by_its_label_and_what_is_ours_belongs_to_itself() -> None:
    metadata = {"name": "n", "namespace": "team", "uid": "u", "labels": {SERVICE_LABEL: "invoices"}}
    assert identity(DEPLOYMENT, metadata) == ("deployments", "u", "team", "invoices")
    assert identity(DEPLOYMENT, {**metadata, "labels": {}}).name == ""
    assert identity(OCR_SERVICE, metadata).name == identity(OCR_PROFILE, metadata).name == "n"


def test_a_change_concerns_the_service_itself_that_of_a_child_and_all_that_take_a_profile() -> None:
    profiles = Profiles()
    for name, profile in (("a", "shared"), ("b", "shared"), ("c", "other")):
        profiles.see(Key("team", name), profile)
    profiles.see(Key("others", "d"), "shared")
    service = ObjectId("ocrservices", "1", "team", "x")
    child = ObjectId("deployments", "2", "team", "y")
    profile = ObjectId("ocrprofiles", "3", "team", "shared")
    assert concerned((service, child), profiles.users) == {Key("team", "x"), Key("team", "y")}
    assert concerned((profile,), profiles.users) == {Key("team", "a"), Key("team", "b")}
