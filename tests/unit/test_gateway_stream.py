"""POST /v1/ocr as a stream of events, page by page."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response

from tests.unit.gateway_kit import (
    ModelServer,
    eventually,
    failing,
    gateway,
    image,
    model_server,
    reading,
    tiff,
    until_gone,
)

NDJSON = {"accept": "application/x-ndjson"}


def events(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert answer.text.endswith("\n")
    return [json.loads(line) for line in answer.text.splitlines()]


@pytest.mark.parametrize(("params", "headers"), [({"output": "ndjson"}, {}), ({}, NDJSON)])
async def test_the_events_are_meta_then_pages_in_order_then_end(
    tmp_path: Path, params: dict[str, str], headers: dict[str, str]
) -> None:
    async with model_server() as double, gateway(tmp_path, double) as running:
        answer = await running.client.post("/v1/ocr", content=tiff([1, 2]), params=params, headers=headers)
        meta, first, second, end = events(answer)
        assert meta == {"event": "meta", "id": answer.headers["x-request-id"], "pages": 2}
        assert [(page["event"], page["page"], page["text"]) for page in (first, second)] == [
            ("page", 1, "grey 1"),
            ("page", 2, "grey 2"),
        ]
        assert first["model"]["name"] == "double"
        assert (end["event"], end["status"]) == ("end", "succeeded")
        assert {"read", "decode", "det"} <= set(end["timings_ms"])


async def test_a_page_is_sent_before_the_next_one_is_read(tmp_path: Path) -> None:
    release = asyncio.Event()

    async def second_waits(request: Request, double: ModelServer) -> Response:
        if len(double.seen) == 2:
            await release.wait()
        return await reading(request, double)

    async with (
        model_server(second_waits) as double,
        gateway(tmp_path, double, page_concurrency=1) as running,
        running.client.stream("POST", "/v1/ocr", content=tiff([1, 2]), headers=NDJSON) as answer,
    ):
        lines = answer.aiter_lines()
        assert json.loads(await anext(lines))["event"] == "meta"
        assert json.loads(await anext(lines))["text"] == "grey 1"
        release.set()
        assert json.loads(await anext(lines))["text"] == "grey 2"


async def test_a_page_that_fails_is_an_event_in_its_place(tmp_path: Path) -> None:
    async def second_fails(request: Request, double: ModelServer) -> Response:
        if len(double.seen) == 2:
            return await failing(422, "undecodable_image")(request, double)
        return await reading(request, double)

    async with model_server(second_fails) as double, gateway(tmp_path, double, page_concurrency=1) as running:
        answer = await running.client.post("/v1/ocr?output=ndjson", content=tiff([1, 2, 3]))
        _, first, second, third, end = events(answer)
        assert [event["event"] for event in (first, second, third)] == ["page", "page_error", "page"]
        assert second["error"]["code"] == "undecodable_image"
        assert end["status"] == "partial"


async def test_what_is_wrong_with_the_document_is_an_ordinary_problem(tmp_path: Path) -> None:
    async with model_server() as double, gateway(tmp_path, double) as running:
        answer = await running.client.post("/v1/ocr?output=ndjson", content=b"no picture")
        assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


async def test_a_deadline_after_the_first_event_is_the_end_event_and_stops_the_work(tmp_path: Path) -> None:
    async def second_hangs(request: Request, double: ModelServer) -> Response:
        behaviour = reading if len(double.seen) == 1 else until_gone
        return await behaviour(request, double)

    async with (
        model_server(second_hangs) as double,
        gateway(tmp_path, double, page_concurrency=1, request_timeout_seconds=0.5) as running,
    ):
        answer = await running.client.post("/v1/ocr?output=ndjson", content=tiff([1, 2]))
        _, first, end = events(answer)
        assert first["text"] == "grey 1"
        assert (end["event"], end["status"], end["error"]["code"]) == ("end", "failed", "deadline_exceeded")
        async with asyncio.timeout(30):
            await double.cancelled.wait()


async def test_a_client_that_leaves_the_stream_cancels_the_work_and_frees_its_place(tmp_path: Path) -> None:
    async with model_server(until_gone) as double, gateway(tmp_path, double, max_requests=1) as running:
        async with running.client.stream("POST", "/v1/ocr", content=image(), headers=NDJSON) as answer:
            await anext(answer.aiter_lines())
        async with asyncio.timeout(30):
            await double.cancelled.wait()
        double.behaviour = reading

        async def free() -> bool:
            return (await running.client.post("/v1/ocr", content=image())).status_code == 200

        await eventually(free)
