"""Who gets in: credentials, rates, headers and origins, over HTTP."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from ocr_gateway.access.rates import MAX_CLIENTS, Rates
from ocr_gateway.access.settings import AccessSettings, JwtSettings, Rate
from ocr_gateway.config import parse
from ocr_gateway.problems import Problem
from ocr_wire.trace import joined
from tests.unit.access_kit import AUDIENCE, ISSUER, Issuer, write_keys
from tests.unit.gateway_kit import ModelServer, eventually, gateway, image, model_server, reading

PNG = image()
ALICE, BOB = "a" * 32, "b" * 32
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def keyed(folder: Path, **more: Any) -> AccessSettings:
    """Access by two clients' keys."""
    write_keys(folder, {"alice": ALICE, "bob": BOB})
    return AccessSettings(api_keys=folder, reload_seconds=0.02, **more)


async def test_only_who_has_a_key_is_answered_and_the_log_names_the_client(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with model_server() as double, gateway(tmp_path, double, access=keyed(tmp_path / "k")) as running:
        post = running.client.post
        for headers in (
            {},
            {"Authorization": "Basic YTpi"},
            {"Authorization": "Bearer"},
            {"Authorization": f"Bearer {'c' * 32}"},
            {"X-API-Key": ""},
            {"X-API-Key": f"{ALICE}x"},
        ):
            answer = await post("/v1/ocr", content=PNG, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
            assert answer.headers["www-authenticate"].startswith('Bearer realm="kubeocr"')
        assert double.seen == []
        with caplog.at_level("INFO", "ocr_gateway"):
            for headers in ({"Authorization": f"Bearer {ALICE}"}, {"X-API-Key": ALICE}):
                assert (await post("/v1/ocr", content=PNG, headers=headers)).status_code == 200
        text = (await running.client.get("/metrics")).text
        assert 'auth_failures_total{ocrservice="local",reason="missing"} 4.0' in text
        assert 'auth_failures_total{ocrservice="local",reason="unknown_key"} 2.0' in text
        clients = [vars(record)["client"] for record in caplog.records if record.message == "request"]
        assert clients == ["alice", "alice"]
        assert ALICE not in str([vars(record) for record in caplog.records])
        assert not any(name in double.seen[0] for name in ("authorization", "x-api-key"))


async def test_every_path_but_health_metrics_and_the_page_asks_for_a_key(tmp_path: Path) -> None:
    async with model_server() as double, gateway(tmp_path, double, access=keyed(tmp_path / "k")) as running:
        for path in ("/livez", "/readyz", "/metrics"):
            assert (await running.client.get(path)).status_code == 200
        for path in ("/", "/assets/1/page.js"):
            assert (await running.client.get(path)).status_code != 401
        closed = ("/v1/ocr", "/v2", "/v2/health/live", "/openapi.json", "/metrics/", "/nowhere")
        for path in closed:
            assert (await running.client.get(path)).status_code == 401
        for path in ("/", "/metrics", "/assets/1/page.js"):
            assert (await running.client.post(path)).status_code == 401
        answer = await running.client.get("/v2/health/live")
        assert answer.json()["error"] == answer.json()["detail"]


async def test_keys_change_without_a_restart_and_bad_ones_change_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "k"
    async with model_server() as double, gateway(tmp_path, double, access=keyed(folder)) as running:

        async def status(key: str) -> int:
            return (await running.client.get("/v2", headers={"x-api-key": key})).status_code

        async def reloads(result: str) -> bool:
            text = (await running.client.get("/metrics")).text
            return f'files="api-keys",ocrservice="local",result="{result}"}} 1.0' in text

        write_keys(folder, {"alice": "bad", "bob": BOB})
        await eventually(lambda: reloads("refused"))
        assert [await status(key) for key in (ALICE, BOB)] == [200, 200]
        write_keys(folder, {"alice": f"{ALICE}\n{'n' * 32}"})
        await eventually(lambda: reloads("ok"))
        assert [await status(key) for key in (ALICE, "n" * 32, BOB)] == [200, 200, 401]


async def test_a_token_lets_its_subject_in_and_says_why_another_does_not(tmp_path: Path) -> None:
    issuer = Issuer()
    (tmp_path / "jwks.json").write_bytes(issuer.key_set)
    access = AccessSettings(jwt=JwtSettings(tmp_path / "jwks.json", ISSUER, AUDIENCE))
    async with model_server() as double, gateway(tmp_path, double, access=access) as running:

        async def get(token: str) -> Any:
            return await running.client.get("/v2", headers={"authorization": f"Bearer {token}"})

        assert (await get(issuer.token())).status_code == 200
        expired = await get(issuer.token(exp=1))
        assert (expired.status_code, expired.json()["detail"]) == (
            401,
            "The token has expired; get a new one.",
        )
        assert 'error="invalid_token"' in expired.headers["www-authenticate"]
        text = (await running.client.get("/metrics")).text
        assert 'auth_failures_total{ocrservice="local",reason="expired_token"} 1.0' in text


async def test_a_client_over_its_rate_is_told_when_to_come_back_and_others_are_not(tmp_path: Path) -> None:
    access = keyed(tmp_path / "k", rate=Rate(per_second=1, burst=2))
    async with model_server() as double, gateway(tmp_path, double, access=access) as running:

        async def get(key: str) -> Any:
            return await running.client.get("/v2", headers={"x-api-key": key})

        answers = [await get(ALICE) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert answers[2].json()["code"] == "tenant_quota"
        assert answers[2].headers["retry-after"] == "1"
        assert [answer.headers["ratelimit-policy"] for answer in answers] == ['"client";q=2;w=2'] * 3
        assert [answer.headers["ratelimit"] for answer in answers] == [
            '"client";r=1;t=1',
            '"client";r=0;t=2',
            '"client";r=0;t=2',
        ]
        assert (await get(BOB)).status_code == 200
        for _ in range(5):
            assert "ratelimit" not in (await running.client.get("/readyz")).headers


def test_a_bucket_fills_with_time_and_never_over_its_burst() -> None:
    now = [0.0]
    rates = Rates(Rate(per_second=10, burst=2), lambda: now[0])

    def taken(count: int) -> int:
        done = 0
        for _ in range(count):
            try:
                rates.take("a")
            except Problem:
                continue
            done += 1
        return done

    assert taken(5) == 2
    now[0] += 0.1
    assert taken(5) == 1
    now[0] += 1000
    assert taken(5) == 2


def test_buckets_are_bounded_and_the_longest_unheard_client_is_forgotten_first() -> None:
    rates = Rates(Rate(per_second=1, burst=2), lambda: 0.0)
    for number in range(MAX_CLIENTS):
        rates.take(f"client {number}")
    rates.take("client 0")
    rates.take("another")
    assert rates.take("client 1").left == 1  # forgotten: a full bucket again
    with pytest.raises(Problem):
        rates.take("client 0")


async def test_thirty_requests_of_one_client_delay_anothers_single_one_by_one_page(tmp_path: Path) -> None:
    turns: asyncio.Queue[None] = asyncio.Queue()

    async def when_told(request: Request, double: ModelServer) -> Response:
        await turns.get()
        return await reading(request, double)

    access = keyed(tmp_path / "k")
    async with model_server(when_told) as double, gateway(tmp_path, double, access=access) as running:

        def post(key: str, name: str) -> asyncio.Task[Any]:
            headers = {"x-api-key": key, "x-request-id": name}
            return asyncio.create_task(running.client.post("/v1/ocr", content=PNG, headers=headers))

        async def waiting(pages: int) -> bool:
            text = (await running.client.get("/metrics")).text
            return f'ocr_gateway_pages_waiting{{ocrservice="local"}} {pages}.0' in text

        many = [post(ALICE, f"alice-{number}") for number in range(30)]
        await eventually(lambda: waiting(26))
        single = post(BOB, "bob")
        await eventually(lambda: waiting(27))
        turns.put_nowait(None)
        await eventually(lambda: len(double.seen) == 5)
        assert double.seen[4]["x-request-id"] == "bob"
        for _ in range(30):
            turns.put_nowait(None)
        answers = await asyncio.gather(*many, single)
        assert {answer.status_code for answer in answers} == {200}
        assert await waiting(0)


async def test_one_client_cannot_hold_all_that_the_gateway_holds(tmp_path: Path) -> None:
    held = asyncio.Event()

    async def hold(*_: Any) -> Any:
        await held.wait()

    access = keyed(tmp_path / "k")
    async with (
        model_server(hold) as double,
        gateway(tmp_path, double, access=access, max_requests=4, request_timeout_seconds=5) as running,
    ):

        def post(key: str) -> asyncio.Task[Any]:
            call = running.client.post("/v1/ocr", content=PNG, headers={"x-api-key": key})
            return asyncio.create_task(call)

        first = [post(ALICE), post(ALICE)]
        await eventually(lambda: double.running == 2)
        refused = await post(ALICE)
        assert (refused.status_code, refused.json()["code"]) == (429, "tenant_busy")
        assert int(refused.headers["retry-after"]) >= 1
        other = post(BOB)
        await eventually(lambda: double.running == 3)
        for task in (*first, other):
            task.cancel()
        await asyncio.gather(*first, other, return_exceptions=True)
        held.set()


@pytest.mark.parametrize(
    "given", ["", "00-abc", TRACE.upper(), TRACE + "-x", "ff" + TRACE[2:], "00-" + "0" * 32 + TRACE[35:]]
)
def test_an_invalid_trace_is_replaced_by_a_new_unsampled_one(given: str) -> None:
    one, two = joined(given).header, joined(given).header
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-00", one)
    assert one != two


async def test_a_valid_trace_goes_on_to_the_model_server_with_the_request_id(tmp_path: Path) -> None:
    async with model_server() as double, gateway(tmp_path, double) as running:
        headers = {"traceparent": TRACE, "x-request-id": "abc"}
        await running.client.post("/v1/ocr", content=PNG, headers=headers)
        told = double.seen[0]
        assert told["x-request-id"] == "abc"
        version, trace, span, flags = told["traceparent"].split("-")
        assert (version, trace, flags) == ("00", TRACE.split("-")[1], "01")
        assert span != TRACE.split("-")[2]


async def test_no_origin_may_call_unless_it_is_named(tmp_path: Path) -> None:
    origin = {"Origin": "https://app.example.com"}
    asking = {
        **origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "x-api-key",
    }
    async with model_server() as double:
        async with gateway(tmp_path, double) as running:
            assert (
                "access-control-allow-origin"
                not in (await running.client.get("/livez", headers=origin)).headers
            )
        access = keyed(tmp_path / "k", cors_origins=("https://app.example.com",))
        async with gateway(tmp_path, double, access=access) as running:
            asked = await running.client.options("/v1/ocr", headers=asking)
            assert asked.status_code == 200
            assert asked.headers["access-control-allow-origin"] == "https://app.example.com"
            refused = await running.client.post("/v1/ocr", headers=origin)
            assert refused.status_code == 401
            assert refused.headers["access-control-allow-origin"] == "https://app.example.com"
            assert "access-control-allow-credentials" not in refused.headers
            other = {**asking, "Origin": "https://evil.example.com"}
            asked = await running.client.options("/v1/ocr", headers=other)
            assert asked.status_code == 400
            assert "access-control-allow-origin" not in asked.headers


async def test_a_shorter_deadline_of_the_client_holds_and_a_longer_one_does_not(tmp_path: Path) -> None:
    async def never(*_: Any) -> Any:
        await asyncio.Event().wait()

    async with (
        model_server(never) as double,
        gateway(tmp_path, double, request_timeout_seconds=0.3) as running,
    ):
        for asked, held in ((50, 0.05), (60_000, 0.3)):
            answer = await running.client.post(f"/v1/ocr?deadline_ms={asked}", content=PNG)
            assert (answer.status_code, answer.json()["code"]) == (504, "deadline_exceeded")
            assert answer.json()["limit"] == held
            assert int(double.seen[-1]["x-request-deadline-ms"]) <= held * 1000
        for wrong in ("0", "-5", "1.5", "soon"):
            answer = await running.client.post(f"/v1/ocr?deadline_ms={wrong}", content=PNG)
            assert (answer.status_code, answer.json()["code"]) == (400, "invalid_parameter")


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--api-keys-dir=/k", "--jwks-file=/j", "--jwt-issuer=i", "--jwt-audience=a"), "exclude each other"),
        (("--jwks-file=/j", "--jwt-issuer=i"), "--jwks-file, --jwt-issuer, --jwt-audience belong together"),
        (("--tls-cert-file=/c",), "--tls-cert-file, --tls-key-file belong together"),
        (("--client-burst=5",), "--client-burst needs --client-rate"),
        (("--client-rate=0",), "at least 1"),
        (("--cors-origins=*",), "no origin"),
        (("--cors-origins=https://a.example/path",), "no origin"),
    ],
)
def test_flags_that_do_not_go_together_end_it(
    flags: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parse(("--upstream=models:1", *flags), {})
    assert words in capsys.readouterr().err


def test_access_flags_are_taken() -> None:
    flags = "--api-keys-dir=/k --client-rate=5 --tls-cert-file=/c --tls-key-file=/p --cors-origins=http://a:1,https://b"
    access = parse(("--upstream=models:1", *flags.split()), {}).access
    assert (access.api_keys, access.rate) == (Path("/k"), Rate(5, 10))
    assert access.tls is not None
    assert access.cors_origins == ("http://a:1", "https://b")
