"""What the real programs show of themselves is what docs/metrics.md says, name by name and label by label."""

from collections.abc import Iterator

import httpx
import pytest

from ocr_operator.models.manifest import OCR_SERVICE
from tests.catalogue import documented, scraped
from tests.component.conftest import Start
from tests.support.api import Api, eventually
from tests.support.drawing import encoded, page
from tests.support.service import Service, service
from tests.unit.access_kit import write_keys

KEY = "k" * 32
AUTHORISED = {"X-API-Key": KEY}
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
# Filled by what the tests here do not do.
NEVER_SEEN = {
    "ocr_gateway_traffic_call_duration_seconds",
    "ocr_gateway_traffic_calls_total",
    "ocr_gateway_traffic_timestamp_seconds",
    "ocr_gateway_traffic_weight",
    "ocr_operator_resource_candidate_weight",
    "ocr_operator_resource_deletion_timestamp_seconds",
}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A gateway and a model server that have read, refused, and taken over new keys."""
    folder = tmp_path_factory.mktemp("metrics")
    keys = {"alice": KEY}
    write_keys(folder / "keys", keys)
    flags = ("--api-keys-dir", str(folder / "keys"), "--job-store", "memory")
    with service(folder, *flags) as both, httpx.Client(base_url=both.url, timeout=60) as client:
        headers = {**AUTHORISED, "traceparent": TRACE}
        client.post("v1/ocr", content=encoded(page([["One line"]])), headers=headers).raise_for_status()
        client.post("v2/models/ocr/infer", content=b"{}", headers=AUTHORISED)
        client.post("v1/ocr", content=b"x", headers={"X-API-Key": "wrong" * 8})
        write_keys(folder / "keys", {**keys, "bob": "b" * 32})
        taken = 'reloads_total{files="api-keys",ocrservice="local",result="ok"} 1.0'
        eventually("reloaded", lambda: taken in client.get("metrics").text)
        yield both


def assert_documented(program: str, text: str) -> None:
    """The families are the same, and each has been seen with its labels."""
    shown, said = scraped(text), documented()[program]
    assert shown.keys() == said.keys()
    unseen = {name for name, family in shown.items() if said[name].labels and not family.labels}
    assert unseen <= NEVER_SEEN
    assert {name: shown[name] for name in shown.keys() - unseen} == {
        name: said[name] for name in said.keys() - unseen
    }


def test_the_gateway_shows_what_is_documented(running: Service) -> None:
    assert_documented("Gateway", httpx.get(f"{running.url}metrics").text)


def test_a_refused_file_has_a_series_before_the_first_one_is_refused(running: Service) -> None:
    zero = 'ocr_gateway_reloads_total{files="api-keys",ocrservice="local",result="refused"} 0.0'
    assert zero in httpx.get(f"{running.url}metrics").text


def test_the_model_server_shows_what_is_documented(running: Service) -> None:
    assert_documented("Model server", httpx.get(f"{running.model_server}metrics").text)


def test_the_operator_shows_what_is_documented(kube: Api, start: Start) -> None:
    operator = start().ready()
    kube.create("invoices")
    eventually("shown", lambda: operator.metric("ocr_operator_resource_info", name="invoices") == 1)
    assert_documented("Operator", operator.get("/metrics").text)
    kube.delete(OCR_SERVICE, "invoices")
    eventually("no series", lambda: 'name="invoices"' not in operator.get("/metrics").text)


@pytest.mark.parametrize(
    ("program", "bucket"),
    [("url", "ocr_gateway_request_duration_seconds"), ("model_server", "ocr_model_stage_duration_seconds")],
)
def test_durations_have_the_trace_where_the_scrape_asks_for_openmetrics(
    running: Service, program: str, bucket: str
) -> None:
    url = f"{getattr(running, program)}metrics"
    asked = httpx.get(url, headers={"Accept": "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"})
    assert asked.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert asked.text.endswith("# EOF\n")
    with_trace = [line for line in asked.text.splitlines() if f'trace_id="{TRACE.split("-")[1]}"' in line]
    assert with_trace
    assert all(line.startswith(f"{bucket}_bucket") for line in with_trace)
    plain = httpx.get(url)
    assert plain.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "trace_id" not in plain.text


def test_confidence_and_text_are_counted(running: Service) -> None:
    text = httpx.get(f"{running.model_server}metrics").text
    shown = {line.rpartition(" ")[0].partition("{")[0]: line.rpartition(" ")[2] for line in text.splitlines()}
    assert float(shown["ocr_model_text_characters_total"]) == len("One line")
    assert float(shown["ocr_model_recognition_confidence_count"]) == 1
    assert float(shown["ocr_model_empty_results_total"]) == 0
    assert float(shown["ocr_model_last_load_success_timestamp_seconds"]) > 0
    assert 'request_predict_seconds_count{model_name="ocr"} 1.0' in text
