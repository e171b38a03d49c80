"""docs/metrics.md is what the programs have, and that keeps to Prometheus' conventions.

https://prometheus.io/docs/practices/naming/ and https://prometheus.io/docs/practices/instrumentation/
"""

import re

import pytest

from tests.catalogue import DOCUMENT, Family, document, documented, programs

FAMILIES = [family for found in programs().values() for family in found.values()]
# What has no bound, and units that are not the base ones.
UNBOUNDED = {
    "path",
    "url",
    "file",
    "client",
    "tenant",
    "user",
    "request_id",
    "trace_id",
    "pod",
    "error",
    "message",
}
OTHER_UNITS = r"_(ms|milliseconds|minutes|hours|kb|kib|mb|mib|megabytes|percent)(_|$)"
KSERVE = {"request_preprocess_seconds", "request_predict_seconds", "request_postprocess_seconds"}


def test_the_document_is_what_make_generate_writes() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == document(), "run make generate"
    assert documented() == programs()


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_metric_keeps_to_the_conventions(family: Family) -> None:
    assert re.fullmatch(r"ocr_(gateway|model|operator)_[a-z0-9_]+", family.name) or family.name in KSERVE
    assert family.name.endswith("_total") == (family.type == "counter")
    assert not re.search(OTHER_UNITS, family.name)
    assert family.type != "histogram" or family.unit or family.name == "ocr_model_recognition_confidence"
    assert family.help.endswith(".")
    assert not family.labels & UNBOUNDED


def test_every_series_of_a_service_names_it() -> None:
    for family in FAMILIES:
        if family.name.startswith(("ocr_gateway_", "ocr_model_")):
            assert "ocrservice" in family.labels
        if family.name.startswith("ocr_operator_resource_"):
            assert {"namespace", "name"} <= family.labels
    assert {family.name: family.labels for family in FAMILIES if family.name in KSERVE} == dict.fromkeys(
        KSERVE, frozenset({"model_name"})
    )
