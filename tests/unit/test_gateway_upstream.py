"""How the gateway finds model servers, spreads requests over them and carries on when they fail."""

import asyncio
import socket
from pathlib import Path

import pytest

from ocr_gateway.config import HostPort
from ocr_gateway.upstream.resolver import DnsResolver, Endpoint, FileResolver
from tests.unit.gateway_kit import (
    breaking_server,
    eventually,
    failing,
    free_socket,
    gateway,
    image,
    model_server,
    reading,
    tiff,
    vanishing_server,
)

PNG = image()


async def test_a_broken_server_that_answers_fast_does_not_draw_the_requests(tmp_path: Path) -> None:
    broken = failing(500, "internal")
    async with model_server(broken) as one, model_server() as two, gateway(tmp_path, one, two) as running:
        answers = [await running.client.post("/v1/ocr", content=PNG) for _ in range(60)]
        assert 5 <= len(one.seen) < 20
        assert len(two.seen) == 60 - len(one.seen)
        assert sum(answer.status_code == 502 for answer in answers) == len(one.seen)


async def test_the_endpoints_file_may_be_missing_empty_or_damaged(tmp_path: Path) -> None:
    file = tmp_path / "models"
    resolver, target = FileResolver(tmp_path), HostPort("models", 80)
    assert await resolver.resolve(target) == frozenset()
    file.write_text("")
    assert await resolver.resolve(target) == frozenset()
    file.write_text("127.0.0.1:80\n\n[::1]:81\nlocalhost:82\n127.0.0.1:0\n127.0.0.1:99999\nnonsense\n")
    assert await resolver.resolve(target) == {Endpoint("127.0.0.1", 80), Endpoint("::1", 81)}
    assert Endpoint("::1", 81).authority == "[::1]:81"


async def test_a_name_resolves_to_all_its_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.1", 80)),
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.2", 80)),
        (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("fd00::1", 80, 0, 0)),
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    expected = {Endpoint(ip, 80) for ip in ("10.0.0.1", "10.0.0.2", "fd00::1")}
    assert await DnsResolver().resolve(HostPort("models", 80)) == expected


@pytest.mark.parametrize(("code", "known"), [(socket.EAI_NONAME, True), (socket.EAI_AGAIN, False)])
async def test_a_name_without_addresses_has_no_servers_but_a_failed_lookup_says_nothing(
    monkeypatch: pytest.MonkeyPatch, code: int, known: bool
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror(code, "told")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    resolver, target = DnsResolver(), HostPort("models", 80)
    if known:
        assert await resolver.resolve(target) == frozenset()
    else:
        with pytest.raises(OSError, match="told"):
            await resolver.resolve(target)


async def test_a_resolver_that_fails_leaves_the_known_servers_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with model_server() as double, gateway(tmp_path, double) as running:
        asked = asyncio.Event()

        async def broken(*_: object) -> frozenset[Endpoint]:
            asked.set()
            raise socket.gaierror(socket.EAI_AGAIN, "try again")

        monkeypatch.setattr(FileResolver, "resolve", broken)
        await asked.wait()
        assert (await running.client.post("/v1/ocr", content=PNG)).status_code == 200


async def test_requests_spread_over_all_servers(tmp_path: Path) -> None:
    async with model_server() as one, model_server() as two, gateway(tmp_path, one, two) as running:
        await asyncio.gather(*(running.client.post("/v1/ocr", content=PNG) for _ in range(20)))
        assert len(one.seen) + len(two.seen) == 20
        assert min(len(one.seen), len(two.seen)) >= 5


async def test_a_full_server_sends_the_request_to_the_other_one(tmp_path: Path) -> None:
    full = failing(503, "queue_full")
    async with model_server(full) as one, model_server() as two, gateway(tmp_path, one, two) as running:
        for sent in range(1, 101):  # which one is asked first is left to chance
            assert (await running.client.post("/v1/ocr", content=PNG)).status_code == 200
            assert len(two.seen) == sent
            if one.seen:
                break
        assert one.seen


async def test_when_all_servers_are_full_the_client_is_told_when_to_come_back(tmp_path: Path) -> None:
    full = failing(503, "queue_full", **{"Retry-After": "7"})
    async with model_server(full) as one, model_server(full) as two, gateway(tmp_path, one, two) as running:
        answer = await running.client.post("/v1/ocr", content=PNG)
        assert (answer.status_code, answer.json()["code"]) == (503, "queue_full")
        assert answer.headers["retry-after"] == "7"
        assert (len(one.seen), len(two.seen)) == (1, 1)


@pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf of it"])
async def test_a_connection_that_breaks_is_tried_on_another_server(tmp_path: Path, sent: bytes) -> None:
    async with breaking_server(sent) as port, model_server() as two, gateway(tmp_path, two) as running:
        running.set_endpoints([two.port, port])
        answers = [await running.client.post("/v1/ocr", content=tiff(range(8))) for _ in range(6)]
        assert [answer.status_code for answer in answers] == [200] * 6
        text = (await running.client.get("/metrics")).text
        assert 'attempt="first",ocrservice="local",result="connect_error"' in text
        assert 'attempt="retry",ocrservice="local",result="ok"' in text


async def test_a_dead_address_costs_no_request(tmp_path: Path) -> None:
    dead = free_socket()
    port = dead.getsockname()[1]
    dead.close()
    async with model_server() as double, gateway(tmp_path, double, refresh_seconds=60) as running:
        running.set_endpoints([double.port, port])
        answers = [await running.client.post("/v1/ocr", content=tiff([1, 2])) for _ in range(5)]
        assert [answer.status_code for answer in answers] == [200] * 5


async def test_a_server_that_vanished_without_a_word_is_not_counted_as_usable(tmp_path: Path) -> None:
    with socket.socket() as silent, socket.socket() as first:
        silent.bind(("127.0.0.1", 0))
        silent.listen(0)
        first.connect(silent.getsockname())  # takes the only place, so the kernel drops whoever comes next
        async with model_server() as double, gateway(tmp_path, double) as running:
            running.set_endpoints([silent.getsockname()[1]])

            async def ejected() -> bool:
                text = (await running.client.get("/metrics")).text
                return 'upstream_endpoints{ocrservice="local",state="ejected"} 1.0' in text

            await eventually(ejected)
            await running.settled(503)


async def test_a_request_at_a_server_that_vanished_without_a_word_is_sent_to_another(tmp_path: Path) -> None:
    async with vanishing_server() as (port, vanished), model_server() as double, gateway(tmp_path) as running:
        running.set_endpoints([port])
        await running.settled()
        request = asyncio.create_task(running.client.post("/v1/ocr", content=PNG))
        await vanished.wait()
        running.set_endpoints([port, double.port])
        assert (await request).status_code == 200


async def test_a_request_waits_for_the_first_server_to_appear(tmp_path: Path) -> None:
    async with model_server() as double, gateway(tmp_path, endpoint_wait_seconds=10) as running:
        assert (await running.client.get("/readyz")).json()["code"] == "not_ready"
        request = asyncio.create_task(running.client.post("/v1/ocr", content=PNG))
        await asyncio.sleep(0.1)
        running.set_endpoints([double.port])
        assert (await request).status_code == 200
        await running.settled()


async def test_a_request_waits_while_the_only_server_warms_up(tmp_path: Path) -> None:
    warming = model_server(failing(503, "not_ready"), ready=False)
    async with warming as double, gateway(tmp_path, double, endpoint_wait_seconds=10) as running:
        request = asyncio.create_task(running.client.post("/v1/ocr", content=PNG))
        await asyncio.sleep(0.1)
        assert (await running.client.get("/readyz")).status_code == 503
        double.behaviour, double.ready = reading, True
        assert (await request).status_code == 200


async def test_without_any_server_the_answer_is_a_503_after_a_short_wait(tmp_path: Path) -> None:
    async with gateway(tmp_path, endpoint_wait_seconds=0.1) as running:
        answer = await running.client.post("/v1/ocr", content=PNG)
        assert (answer.status_code, answer.json()["code"]) == (503, "not_ready")
        assert answer.headers["retry-after"] == "1"


async def test_readiness_follows_the_model_servers(tmp_path: Path) -> None:
    async with model_server() as double, gateway(tmp_path, double) as running:
        double.ready = False
        await running.settled(503)
        double.ready = True
        await running.settled(200)
        running.set_endpoints([])
        await running.settled(503)


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (422, "undecodable_image", "422 undecodable_image"),
        (504, "deadline_exceeded", "504 deadline_exceeded"),
        (400, "invalid_request", "502 upstream_error"),
        (500, "internal", "502 upstream_error"),
        (200, "", "502 upstream_error"),
    ],
)
async def test_a_model_servers_error_becomes_the_gateways_problem(
    tmp_path: Path, status: int, code: str, expected: str
) -> None:
    async with model_server(failing(status, code)) as double, gateway(tmp_path, double) as running:
        answer = await running.client.post("/v1/ocr", content=PNG)
        assert f"{answer.status_code} {answer.json()['code']}" == expected
        assert len(double.seen) == 1
        await eventually(lambda: double.running == 0)
