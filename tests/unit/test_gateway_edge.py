"""What every answer of the gateway carries, and how it treats slow, endless and leaving clients."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ocr_gateway.problems import CODES
from ocr_gateway.upstream.discovery import Discovery
from tests.unit.gateway_kit import (
    Gateway,
    eventually,
    failing,
    gateway,
    image,
    model_server,
    reading,
    until_gone,
)

PNG = image()


async def samples(running: Gateway) -> dict[str, float]:
    """The gateway's own series, as `name{label=value,...}` without the label ocrservice."""
    text = (await running.client.get("/metrics")).text
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(f"{k}={v}" for k, v in sorted(sample.labels.items()) if k != "ocrservice")
            found[f"{sample.name}{{{labels}}}"] = sample.value
    return found


@pytest.fixture(scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    async with (
        model_server() as double,
        gateway(
            tmp_path_factory.mktemp("edge"), double, body_stall_seconds=0.2, max_body_bytes=100_000
        ) as one,
    ):
        yield one


@pytest.mark.parametrize("given", ["abc-123", "a" * 128, "trace:1/2=3+4._"])
async def test_a_plain_request_id_is_echoed(running: Gateway, given: str) -> None:
    answer = await running.client.get("/livez", headers={"x-request-id": given})
    assert answer.headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "a" * 129, "two words", '"quoted"', "<b>"])
async def test_an_odd_request_id_is_replaced(running: Gateway, given: str) -> None:
    answer = await running.client.get("/nowhere", headers={"x-request-id": given})
    assert re.fullmatch(r"req_[0-9a-f]{32}", answer.headers["x-request-id"])


async def test_every_answer_forbids_sniffing_and_caching(running: Gateway) -> None:
    for path in ("/livez", "/readyz", "/metrics", "/nowhere", "/v2"):
        answer = await running.client.get(path)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "strict-transport-security" not in answer.headers
        assert "server" not in answer.headers


async def raw(running: Gateway, request: bytes) -> bytes:
    """What comes back over a bare connection until the gateway closes it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
    writer.write(request)
    try:
        async with asyncio.timeout(30):
            return await reader.read()
    finally:
        writer.close()
        await writer.wait_closed()


async def test_a_body_that_stalls_is_a_408_and_the_connection_is_closed(running: Gateway) -> None:
    answer = await raw(running, b"POST /v1/ocr HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\nsome")
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'"code": "body_timeout"' in answer
    assert (await running.client.post("/v1/ocr", content=PNG)).status_code == 200


async def test_an_endless_head_is_cut_off(running: Gateway) -> None:
    answer = await raw(running, b"GET /livez HTTP/1.1\r\nX-Long: " + b"a" * 70_000)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"65536 bytes" in answer


async def test_many_short_requests_on_one_connection_are_no_endless_head(running: Gateway) -> None:
    for _ in range(30):
        assert (await running.client.get("/livez", headers={"x-long": "a" * 5000})).status_code == 200


@pytest.mark.parametrize("sent", [b"", b"GET /livez HTTP/1.1\r\nX-", b"GET /livez HTTP/1.1\r\n\r\nGET /li"])
async def test_a_head_that_stalls_is_cut_off(
    running: Gateway, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr("ocr_gateway.connection.HEAD_SECONDS", 0.1)
    assert (await raw(running, sent)).count(b"HTTP/1.1 200") == sent.count(b"\r\n\r\n")


async def test_a_body_that_trickles_past_the_deadline_is_a_408(tmp_path: Path) -> None:
    async with model_server() as double, gateway(tmp_path, double, request_timeout_seconds=0.3) as slow:
        reader, writer = await asyncio.open_connection("127.0.0.1", slow.port)
        writer.write(b"POST /v1/ocr HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n")
        answer = asyncio.create_task(reader.readuntil(b"}"))
        async with asyncio.timeout(30):
            while not answer.done():
                writer.write(b"x")
                await asyncio.wait({answer}, timeout=0.02)
        writer.close()
        await writer.wait_closed()
        assert answer.result().startswith(b"HTTP/1.1 408 ")
        assert b'"limit": 0.3' in answer.result()


async def test_a_declared_length_over_the_limit_is_refused_before_the_body_comes(running: Gateway) -> None:
    request = b"POST /v1/ocr HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 100001\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
    writer.write(request)
    async with asyncio.timeout(30):
        head = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    assert head.startswith(b"HTTP/1.1 413 ")  # and not 100 Continue
    assert b"connection: close" in head.lower()


async def test_a_sender_that_does_not_stop_still_reads_its_refusal(running: Gateway) -> None:
    body = b"x" * 3_000_000
    head = f"POST /v1/ocr HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    answer = await raw(running, head + body)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert answer.endswith(b"}")


async def test_requests_are_counted_under_the_route_and_not_the_path(tmp_path: Path) -> None:
    async with model_server() as double, gateway(tmp_path, double) as one:
        answer = await one.client.post("/v1/ocr", content=PNG)
        refused = await one.client.post("/v1/ocr", content=b"no image")
        sizes = len(answer.content) + len(refused.content)
        await one.client.get("/v2/models/anything")
        await one.client.get("/random/path")
        await one.client.request("LOCK", "/random/path")
        found = await samples(one)
        counted = {
            name.partition("{")[2]: value
            for name, value in found.items()
            if name.startswith("ocr_gateway_requests_total") and "readyz" not in name and value
        }
        assert counted == {
            "code=200,method=POST,route=/v1/ocr}": 1,
            "code=415,method=POST,route=/v1/ocr}": 1,
            "code=200,method=GET,route=/v2/models/{model}}": 1,
            "code=404,method=GET,route=unmatched}": 1,
            "code=404,method=other,route=unmatched}": 1,
        }
        assert found["ocr_gateway_rejected_total{reason=unsupported_type}"] == 1
        assert found["ocr_gateway_pages_total{outcome=ok}"] == 1
        assert found["ocr_gateway_upstream_requests_total{attempt=first,result=ok}"] == 2
        assert found["ocr_gateway_request_size_bytes_sum{route=/v1/ocr}"] == len(PNG) + len(b"no image")
        assert found["ocr_gateway_response_size_bytes_sum{route=/v1/ocr}"] == sizes
        assert found["ocr_gateway_requests_in_flight{}"] == 1  # this one
        assert found["ocr_gateway_requests_held{}"] == 0
        assert found["ocr_gateway_requests_capacity{}"] == 512
        assert found["ocr_gateway_upstream_endpoints{state=usable}"] == 1


async def test_a_failure_has_a_series_before_it_happens_first(tmp_path: Path) -> None:
    async with gateway(tmp_path, endpoint_wait_seconds=0.1) as one:
        zeros = await samples(one)
        for route in ("/v1/ocr", "/v1/batch", "/gateway/ocr", "/v2/models/{model}/infer"):
            for code in (500, 502, 503, 504):
                assert zeros[f"ocr_gateway_requests_total{{code={code},method=POST,route={route}}}"] == 0
        assert len([name for name in zeros if name.startswith("ocr_gateway_requests_total")]) <= 50
        assert (await one.client.post("/v1/ocr", content=PNG)).status_code == 503
        assert (await samples(one))["ocr_gateway_requests_total{code=503,method=POST,route=/v1/ocr}"] == 1


async def test_only_what_clients_ask_for_is_counted_as_refused(tmp_path: Path) -> None:
    async with gateway(tmp_path, endpoint_wait_seconds=0.1) as one:
        assert (await one.client.get("/readyz")).status_code == 503
        assert (await samples(one))["ocr_gateway_rejected_total{reason=not_ready}"] == 0
        assert (await one.client.post("/v1/ocr", content=PNG)).status_code == 503
        assert (await samples(one))["ocr_gateway_rejected_total{reason=not_ready}"] == 1


async def test_a_full_service_is_told_apart_from_a_broken_one(tmp_path: Path) -> None:
    async with model_server(failing(503, "queue_full")) as double, gateway(tmp_path, double) as one:
        await one.client.post("/v1/ocr", content=PNG)
        double.behaviour = failing(500, "internal")
        await one.client.post("/v1/ocr", content=PNG)
        found = await samples(one)
        for outcome in ("rejected", "server_error"):
            assert (
                found[f"ocr_gateway_request_duration_seconds_count{{outcome={outcome},route=/v1/ocr}}"] == 1
            )
        assert found["ocr_gateway_pages_total{outcome=failed}"] == 2


async def test_a_call_that_a_model_server_refuses_is_no_page_that_was_read_fast(tmp_path: Path) -> None:
    async with model_server(failing(503, "queue_full")) as double, gateway(tmp_path, double) as one:
        await one.client.post("/v1/ocr", content=PNG)
        found = await samples(one)
        assert found["ocr_gateway_upstream_requests_total{attempt=first,result=refused}"] == 1
        assert found["ocr_gateway_upstream_request_duration_seconds_count{}"] == 0
        double.behaviour = reading
        await one.client.post("/v1/ocr", content=PNG)
        assert (await samples(one))["ocr_gateway_upstream_request_duration_seconds_count{}"] == 1


async def test_what_is_held_is_shown_while_it_is_held(tmp_path: Path) -> None:
    async with model_server(until_gone) as double, gateway(tmp_path, double) as one:
        request = asyncio.create_task(one.client.post("/v1/ocr", content=PNG))
        await eventually(lambda: double.running == 1)
        found = await samples(one)
        assert found["ocr_gateway_requests_held{}"] == 1
        assert found["ocr_gateway_body_bytes_held{}"] >= len(PNG)
        request.cancel()
        await eventually(double.cancelled.is_set)


async def test_a_client_that_left_is_counted_as_499_and_holds_nothing(tmp_path: Path) -> None:
    async with model_server(until_gone) as double, gateway(tmp_path, double, max_requests=1) as one:
        request = asyncio.create_task(one.client.post("/v1/ocr", content=PNG))
        await eventually(lambda: double.running == 1)
        request.cancel()

        async def counted() -> bool:
            return "ocr_gateway_requests_total{code=499,method=POST,route=/v1/ocr}" in await samples(one)

        await eventually(counted)
        double.behaviour = reading
        assert (await one.client.post("/v1/ocr", content=PNG)).status_code == 200
        assert (await samples(one))[
            "ocr_gateway_upstream_requests_total{attempt=first,result=cancelled}"
        ] == 1


async def test_a_fault_of_our_own_is_a_500_without_a_traceback(
    running: Gateway, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("ocr_gateway.formats.json.page", None)
    answer = await running.client.post("/v1/ocr", content=PNG)
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert answer.json()["instance"] in answer.json()["detail"]
    assert "Traceback" not in answer.text
    assert "TypeError" not in answer.text
    assert "TypeError" in caplog.text


async def test_the_access_log_has_one_record_a_request_without_its_content(
    running: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", "ocr_gateway"):
        await running.client.post("/v1/ocr", content=PNG, headers={"x-request-id": "logged"})
        await running.client.get("/livez")
    (record,) = [vars(record) for record in caplog.records if record.message == "request"]
    assert record["request_id"] == "logged"
    assert (record["method"], record["route"], record["status"]) == ("POST", "/v1/ocr", 200)
    assert record["bytes"] == len(PNG)
    assert "grey" not in str(record)


async def test_of_the_successes_one_in_n_is_logged_and_every_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with model_server() as double, gateway(tmp_path, double, access_log_sample=3) as one:
        with caplog.at_level("INFO", "ocr_gateway"):
            for content in (PNG, b"bad", PNG, PNG, PNG, b"worse"):
                await one.client.post("/v1/ocr", content=content)
        logged = [vars(record)["status"] for record in caplog.records if record.message == "request"]
        assert logged == [200, 415, 200, 415]


def test_a_code_is_retryable_exactly_when_the_service_and_not_the_request_is_the_reason() -> None:
    retryable = {name for name, code in CODES.items() if code.retryable}
    busy = {"queue_full", "not_ready", "tenant_busy", "tenant_quota"}
    jobs = {"job_not_finished", "job_store_unavailable", "jobs_full"}
    assert retryable == {"body_timeout", "upstream_error", "deadline_exceeded", *busy, *jobs}
    assert all(400 <= code.status < 600 for code in CODES.values())


async def test_a_gateway_that_looks_for_model_servers_no_more_says_it_is_dead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def end(_: Discovery) -> None:
        raise RuntimeError("a bug")

    async with model_server() as double, gateway(tmp_path, double) as one:

        async def dead() -> bool:
            answer = await one.client.get("/livez")
            return answer.status_code == 500 and answer.json()["code"] == "internal"

        assert not await dead()
        monkeypatch.setattr(Discovery, "refresh", end)
        await eventually(dead)
