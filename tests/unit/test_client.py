"""The client, against the real gateway over a double of the model server, and against servers that fail."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

import kubeocr
from kubeocr.result import parse
from kubeocr.retries import Retries, seconds_of
from tests.unit.gateway_kit import (
    Gateway,
    breaking_server,
    free_socket,
    gateway,
    image,
    model_server,
    served,
    tiff,
)

ONCE = Retries(attempts=1)
PNG = image(colour=80)


@pytest.fixture(scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    folder = tmp_path_factory.mktemp("client")
    async with model_server() as double, gateway(folder, double, max_body_bytes=20_000) as one:
        yield one


def url(running: Gateway) -> str:
    return f"http://127.0.0.1:{running.port}"


@asynccontextmanager
async def answering(*answers: Response) -> AsyncIterator[tuple[str, list[Request]]]:
    """A server that gives these answers one after the other; its URL, and the requests that came."""
    seen: list[Request] = []

    async def answer(request: Request) -> Response:
        await request.body()
        seen.append(request)
        return answers[len(seen) - 1]

    listener = free_socket()
    app = Starlette(routes=[Route("/v1/ocr", answer, methods=["POST"])])
    config = uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=1)
    async with served(uvicorn.Server(config), listener):
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", seen


def full(**headers: str) -> Response:
    problem = {"code": "queue_full", "detail": "Full.", "retryable": True, "instance": "req_7"}
    return JSONResponse(problem, 503, headers, media_type="application/problem+json")


async def read_sync(address: str, source: Any, *arguments: Any, **options: Any) -> Any:
    return await asyncio.to_thread(kubeocr.read, address, source, *arguments, **options)


@pytest.mark.parametrize("read", [read_sync, kubeocr.aread])
async def test_a_document_is_read_from_a_path_or_bytes(
    running: Gateway, tmp_path: Path, read: Callable[..., Awaitable[kubeocr.Document]]
) -> None:
    file = tmp_path / "two.tif"
    file.write_bytes(tiff((10, 20)))
    document = await read(url(running), file)
    assert document.text == "grey 10\n\ngrey 20"
    assert (document.status, document.model) == ("succeeded", "double")
    assert [page.number for page in document.pages] == [1, 2]
    (line,) = document.pages[0].lines
    assert line == kubeocr.Line("grey 10", 0.5, ((0, 0), (9, 0), (9, 5), (0, 5)), (0, 0, 9, 5))
    assert (await read(url(running), PNG)).text == "grey 80"


@pytest.mark.parametrize("read", [read_sync, kubeocr.aread])
async def test_an_output_is_given_as_the_server_sends_it(
    running: Gateway, read: Callable[..., Awaitable[bytes]]
) -> None:
    assert await read(url(running), PNG, "text") == b"grey 80\n"


@pytest.mark.parametrize("read", [read_sync, kubeocr.aread])
async def test_a_refusal_has_the_problems_code_detail_and_request(
    running: Gateway, read: Callable[..., Awaitable[bytes]]
) -> None:
    with pytest.raises(kubeocr.OcrError) as raised:
        await read(url(running), b"x" * 20_001)
    error = raised.value
    assert (error.status, error.code, error.retryable) == (413, "body_too_large", False)
    assert "at most 20000" in error.detail
    assert error.request_id is not None
    assert error.request_id.startswith("req_")
    assert str(error).endswith(f"(request {error.request_id})")


async def test_options_and_the_key_go_with_the_request() -> None:
    async with answering(PlainTextResponse("x")) as (address, seen):
        await kubeocr.aread(address + "/", PNG, "text", api_key="s3cret", pages="1-3")
    assert dict(seen[0].query_params) == {"output": "text", "pages": "1-3"}
    assert seen[0].headers["authorization"] == "Bearer s3cret"


@pytest.mark.parametrize("read", [read_sync, kubeocr.aread])
async def test_a_full_server_is_asked_again_when_it_said(read: Callable[..., Awaitable[bytes]]) -> None:
    again = {"Retry-After": "0"}
    async with answering(full(**again), full(**again), PlainTextResponse("read\n")) as (address, seen):
        assert await read(address, PNG, "text") == b"read\n"
    assert len(seen) == 3


async def test_a_server_that_stays_full_is_asked_a_bounded_number_of_times() -> None:
    async with answering(*[full(**{"Retry-After": "0"})] * 9) as (address, seen):
        async with kubeocr.AsyncClient(address, retries=Retries(attempts=3)) as client:
            with pytest.raises(kubeocr.OcrError) as raised:
                await client.read(PNG)
        assert len(seen) == 3
    assert (raised.value.code, raised.value.request_id) == ("queue_full", "req_7")


async def test_a_server_that_wants_a_long_pause_is_not_asked_again() -> None:
    async with answering(full(**{"Retry-After": "3600"})) as (address, seen):
        with pytest.raises(kubeocr.OcrError) as raised:
            await kubeocr.aread(address, PNG)
        assert len(seen) == 1
    assert raised.value.retry_after == 3600


async def test_an_error_that_no_problem_tells_of_has_its_status() -> None:
    async with answering(PlainTextResponse("<html>bad gateway</html>", 502)) as (address, seen):
        with pytest.raises(kubeocr.OcrError) as raised:
            await kubeocr.aread(address, PNG)
        assert len(seen) == 1
    assert (raised.value.code, raised.value.status) == ("http_502", 502)


@pytest.mark.parametrize("body", [b"no json", b"[]", b'{"pages": [{}]}', b'{"pages": 7}'])
async def test_a_success_that_is_no_document_is_an_error(body: bytes) -> None:
    async with answering(Response(body, media_type="application/json")) as (address, _):
        with pytest.raises(kubeocr.OcrError) as raised:
            await kubeocr.aread(address, PNG)
    assert raised.value.code == "unreadable_answer"


async def test_a_refused_connection_is_a_failed_one() -> None:
    with free_socket() as listener:
        port = listener.getsockname()[1]
    client = kubeocr.Client(f"http://127.0.0.1:{port}", retries=ONCE)
    with client, pytest.raises(kubeocr.OcrError) as raised:
        client.read(PNG)
    assert (raised.value.code, raised.value.retryable) == ("connection_failed", True)
    assert f"127.0.0.1:{port}" in raised.value.detail


@pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"])
async def test_a_connection_that_breaks_is_a_failed_one_not_half_an_answer(sent: bytes) -> None:
    async with (
        breaking_server(sent) as port,
        kubeocr.AsyncClient(f"http://127.0.0.1:{port}", retries=ONCE) as client,
    ):
        with pytest.raises(kubeocr.OcrError) as raised:
            await client.read(PNG)
    assert raised.value.code == "connection_failed"


async def test_an_address_without_http_is_told_at_once() -> None:
    with pytest.raises(kubeocr.OcrError) as raised:
        await kubeocr.aread("ftp://invoices", PNG)
    assert raised.value.code == "invalid_url"


FULL = kubeocr.OcrError("queue_full", "", status=503)


def test_a_pause_is_what_the_server_said_or_doubles_and_always_varies() -> None:
    told = replace(FULL, retry_after=8)
    assert all(8 <= Retries().pause(told, 1) <= 10 for _ in range(50))  # type: ignore[operator]
    pauses = [Retries().pause(FULL, attempt) for attempt in (1, 2, 3, 4)]
    assert all(0.5 * 2**n <= pause <= 0.625 * 2**n for n, pause in enumerate(pauses))  # type: ignore[operator]
    assert len({Retries().pause(FULL, 1) for _ in range(9)}) > 1


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (FULL, True),
        (replace(FULL, status=429), True),
        (replace(FULL, code="connection_failed", status=None), True),
        (replace(FULL, code="timed_out", status=None), False),
        (replace(FULL, status=500), False),
        (replace(FULL, status=413), False),
    ],
)
def test_only_a_full_server_and_a_failed_connection_are_worth_another_call(
    error: kubeocr.OcrError, again: bool
) -> None:
    assert (Retries().pause(error, 1) is not None) is again


def test_retry_after_is_seconds_or_a_date() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    assert seconds_of("7") == 7
    assert 85 < (seconds_of(later) or 0) <= 90
    assert seconds_of("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    assert seconds_of("soon") is None
    assert seconds_of(None) is None


def test_members_that_are_not_known_do_no_harm_and_a_failed_page_has_its_error() -> None:
    document = parse(
        b'{"id": "req_1", "status": "partial", "new": 1, "model": null, "pages": ['
        b'{"page": 1, "width": 9, "height": 9, "text": "a b", "confidence": 1, "new": {}, "lines": ['
        b'{"id": 0, "text": "a b", "confidence": 1, "polygon": [[0, 0], [1, 0], [1, 1], [0, 1]],'
        b' "bbox": [0, 0, 1, 1], "block": 2, "new": 3, "words": ['
        b'{"text": "a", "confidence": 1, "bbox": [0, 0, 1, 1],'
        b' "polygon": [[0, 0], [1, 0], [1, 1], [0, 1]]}]}]},'
        b'{"page": 2, "error": {"code": "page_render_failed", "detail": "Torn.", "instance": "req_1"}}]}'
    )
    assert document.text == "a b"
    assert document.pages[0].lines[0].block == 2
    assert [word.text for word in document.pages[0].lines[0].words] == ["a"]
    assert document.pages[1].error is not None
    assert document.pages[1].error.code == "page_render_failed"
