"""/v1/jobs over HTTP, with jobs in memory and in a real Redis."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response

from ocr_gateway.jobs.settings import JobSettings
from tests.support.redis import redis_server
from tests.unit.gateway_kit import (
    Gateway,
    ModelServer,
    eventually,
    failing,
    free_socket,
    gateway,
    image,
    model_server,
    reading,
    tiff,
    until_gone,
)

Settings = Callable[..., JobSettings]


@pytest.fixture(scope="module", params=["memory", "redis"])
async def settings(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Settings]:
    """Settings of jobs in each kind of store."""
    if request.param == "memory":
        yield lambda **more: JobSettings("memory", **more)
        return
    with free_socket() as listener:
        port = listener.getsockname()[1]
    async with redis_server(tmp_path_factory.mktemp("redis"), port) as file:
        yield lambda **more: JobSettings("redis", file, **more)


@pytest.fixture
async def double() -> AsyncIterator[ModelServer]:
    async with model_server() as double:
        yield double


@pytest.fixture
async def running(tmp_path: Path, double: ModelServer, settings: Settings) -> AsyncIterator[Gateway]:
    async with gateway(tmp_path, double, jobs=settings(), service=tmp_path.name) as running:
        yield running


async def begun(running: Gateway, content: bytes, path: str = "/v1/jobs", **headers: str) -> str:
    """The path of a new job."""
    answer = await running.client.post(path, content=content, headers=headers)
    assert answer.status_code == 202, answer.text
    assert answer.headers["retry-after"] == "1"
    assert answer.headers["location"] == f"/v1/jobs/{answer.json()['id']}"
    return answer.headers["location"]


async def ended(running: Gateway, job: str) -> dict[str, Any]:
    answer = await running.client.get(job, params={"wait": 10})
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    assert document["status"] in {"succeeded", "failed"}
    return document


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_a_job_is_accepted_run_and_told_with_its_progress_and_times(running: Gateway) -> None:
    document = await ended(running, await begun(running, tiff([1, 2, 3])))
    assert document["status"] == "succeeded"
    assert document["progress"] == {"pages_done": 3, "pages_total": 3}
    assert document["created"] <= document["started"] <= document["finished"] < document["expires"]
    assert document["error"] is None


async def test_jobs_are_counted_while_they_wait_and_run_and_when_they_have_ended(
    tmp_path: Path, double: ModelServer, settings: Settings
) -> None:
    jobs, name = settings(job_workers=1), tmp_path.name
    async with gateway(tmp_path, double, jobs=jobs, service=name) as running:

        async def shown(metric: str) -> float:
            (value,) = re.findall(
                rf"^ocr_gateway_jobs_{metric} (\S+)$",
                (await running.client.get("/metrics")).text,
                re.MULTILINE,
            )
            return float(value)

        release = asyncio.Event()

        async def held(request: Request, server: ModelServer) -> Response:
            await release.wait()
            return await reading(request, server)

        double.behaviour = held
        first = await begun(running, image())
        await eventually(lambda: double.running == 1)
        second = await begun(running, b"no image")
        service = f'ocrservice="{name}"'
        assert await shown(f"waiting{{{service}}}") == 1
        assert await shown(f"running{{{service}}}") == 1
        release.set()
        await ended(running, first)
        await ended(running, second)
        assert await shown(f'ended_total{{{service},status="succeeded"}}') == 1
        assert await shown(f'ended_total{{{service},status="failed"}}') == 1
        assert await shown(f"waiting{{{service}}}") == await shown(f"running{{{service}}}") == 0


async def test_a_result_is_read_in_any_format_any_number_of_times(running: Gateway) -> None:
    job = await begun(running, tiff([1, 2]))
    await ended(running, job)
    whole = await running.client.get(f"{job}/result")
    assert [page["text"] for page in whole.json()["pages"]] == ["grey 1", "grey 2"]
    for _ in range(2):
        text = await running.client.get(f"{job}/result", headers={"accept": "text/plain"})
        assert text.text == "grey 1\n\ngrey 2\n"
    assert (await running.client.get(f"{job}/result?output=text")).text == text.text


async def test_the_output_asked_for_at_the_start_is_the_results_format(running: Gateway) -> None:
    job = await begun(running, image(colour=9), "/v1/jobs?output=text")
    await ended(running, job)
    assert (await running.client.get(f"{job}/result")).text == "grey 9\n"


async def test_a_client_that_prefers_a_job_gets_one_from_the_ordinary_path(running: Gateway) -> None:
    answer = await running.client.post(
        "/v1/ocr", content=image(), headers={"prefer": "wait=5, respond-async"}
    )
    assert (answer.status_code, answer.headers["preference-applied"]) == (202, "respond-async")
    assert (await ended(running, answer.headers["location"]))["status"] == "succeeded"


async def test_a_document_that_cannot_be_read_is_a_failed_job_with_its_problem(running: Gateway) -> None:
    job = await begun(running, b"no picture")
    document = await ended(running, job)
    assert (document["status"], document["error"]["code"]) == ("failed", "unsupported_media_type")
    assert code(await running.client.get(f"{job}/result")) == (415, "unsupported_media_type")


async def test_a_page_that_failed_for_a_reason_that_passes_is_read_again(
    running: Gateway, double: ModelServer
) -> None:
    async def second_call_is_refused(request: Request, server: ModelServer) -> Response:
        if len(server.seen) == 2:
            return await failing(422, "queue_full")(request, server)
        return await reading(request, server)

    double.behaviour = second_call_is_refused
    job = await begun(running, tiff([1, 2]))
    assert (await ended(running, job))["status"] == "succeeded"
    assert (await running.client.get(f"{job}/result")).json()["status"] == "succeeded"


async def test_a_running_job_has_no_result_yet_and_cancelling_it_stops_the_work(
    running: Gateway, double: ModelServer
) -> None:
    double.behaviour = until_gone
    job = await begun(running, image())
    await eventually(lambda: double.running == 1)
    assert (await running.client.get(job)).json()["status"] == "running"
    assert code(await running.client.get(f"{job}/result")) == (409, "job_not_finished")
    assert (await running.client.delete(job)).status_code == 204
    async with asyncio.timeout(30):
        await double.cancelled.wait()
    for path in (job, f"{job}/result"):
        assert code(await running.client.get(path)) == (404, "job_cancelled")
    assert (await running.client.delete(job)).status_code == 204


async def test_one_who_waits_hears_of_a_cancellation(running: Gateway, double: ModelServer) -> None:
    double.behaviour = until_gone
    job = await begun(running, image())
    waiting = asyncio.create_task(running.client.get(f"{job}?wait=30"))
    await eventually(lambda: double.running == 1)
    await running.client.delete(job)
    assert code(await waiting) == (404, "job_cancelled")


async def test_the_same_key_is_the_same_job_and_never_another_request(running: Gateway) -> None:
    first = await begun(running, image(colour=1), **{"idempotency-key": "a-1"})
    assert await begun(running, image(colour=1), **{"idempotency-key": "a-1"}) == first
    assert await begun(running, image(colour=1), **{"idempotency-key": "a-2"}) != first
    other = await running.client.post("/v1/jobs", content=image(), headers={"idempotency-key": "a-1"})
    assert code(other) == (409, "idempotency_key_reused")
    bad = await running.client.post("/v1/jobs", content=image(), headers={"idempotency-key": "a b"})
    assert code(bad) == (400, "invalid_parameter")


async def test_jobs_that_are_not_there_are_not_found(running: Gateway) -> None:
    for job in ("job_" + "x" * 32, "job_1", "x:y"):
        assert code(await running.client.get(f"/v1/jobs/{job}")) == (404, "job_not_found")
        assert code(await running.client.delete(f"/v1/jobs/{job}")) == (404, "job_not_found")


async def test_a_wait_has_a_limit(running: Gateway) -> None:
    job = await begun(running, image())
    assert code(await running.client.get(f"{job}?wait=61")) == (400, "invalid_parameter")


async def test_a_result_expires_and_is_then_forgotten(
    tmp_path: Path, double: ModelServer, settings: Settings
) -> None:
    jobs = settings(job_ttl_seconds=1)
    async with gateway(tmp_path, double, jobs=jobs, service=tmp_path.name) as running:
        job = await begun(running, image())
        await ended(running, job)

        async def said(status: int) -> bool:
            return (await running.client.get(f"{job}/result")).status_code == status

        for status in (200, 410, 404):
            await eventually(lambda status=status: said(status))


@pytest.mark.parametrize(("limits", "limit"), [({"max_jobs": 1}, 1), ({"max_job_bytes": 300}, 300)])
async def test_more_jobs_than_are_kept_are_refused_until_one_is_deleted(
    tmp_path: Path, double: ModelServer, settings: Settings, limits: dict[str, int], limit: int
) -> None:
    content = image((40, 30), "BMP")[:200].ljust(200)
    async with gateway(tmp_path, double, jobs=settings(**limits), service=tmp_path.name) as running:
        job = await begun(running, content)
        refused = await running.client.post("/v1/jobs", content=content)
        assert code(refused) == (503, "jobs_full")
        assert refused.json()["limit"] == limit
        assert int(refused.headers["retry-after"]) > 0
        await running.client.delete(job)
        await begun(running, content)


async def test_a_job_that_takes_too_long_fails(
    tmp_path: Path, double: ModelServer, settings: Settings
) -> None:
    double.behaviour = until_gone
    jobs = settings(job_timeout_seconds=0.2)
    async with gateway(tmp_path, double, jobs=jobs, service=tmp_path.name) as running:
        document = await ended(running, await begun(running, image()))
        assert document["error"]["code"] == "deadline_exceeded"


async def test_without_a_store_there_are_no_jobs_and_the_preference_is_not_honoured(
    tmp_path: Path, double: ModelServer
) -> None:
    async with gateway(tmp_path, double) as running:
        assert code(await running.client.post("/v1/jobs", content=image())) == (404, "not_found")
        answer = await running.client.post("/v1/ocr", content=image(), headers={"prefer": "respond-async"})
        assert answer.status_code == 200
        assert "/v1/jobs" not in (await running.client.get("/openapi.json")).json()["paths"]


async def test_a_store_that_does_not_answer_is_a_problem_and_not_the_end(
    tmp_path: Path, double: ModelServer
) -> None:
    file = tmp_path / "url"
    file.write_text("redis://:secret@127.0.0.1:1/0")
    async with gateway(tmp_path, double, jobs=JobSettings("redis", file)) as running:
        answer = await running.client.post("/v1/jobs", content=image())
        assert code(answer) == (503, "job_store_unavailable")
        assert "secret" not in answer.text
        assert 'jobs_waiting{ocrservice="local"} NaN' in (await running.client.get("/metrics")).text
        assert (await running.client.post("/v1/ocr", content=image())).status_code == 200


@pytest.mark.parametrize("settings", ["redis"], indirect=True)
async def test_gateways_share_the_jobs_and_one_that_ends_hands_its_work_over(
    tmp_path: Path, double: ModelServer, settings: Settings
) -> None:
    shared: dict[str, Any] = {"jobs": settings(), "service": tmp_path.name, "drain_seconds": 0}
    double.behaviour = until_gone
    async with AsyncExitStack() as stays:
        async with gateway(tmp_path, double, **shared) as first:
            jobs = [await begun(first, image(colour=number)) for number in (4, 5)]
            await eventually(lambda: double.running == 2)
            double.behaviour = reading
            second = await stays.enter_async_context(gateway(tmp_path, double, **shared))
            assert (await second.client.get(jobs[1])).json()["status"] == "running"
        for job in jobs:
            assert (await ended(second, job))["status"] == "succeeded"
        assert (await second.client.get(f"{jobs[1]}/result?output=text")).text == "grey 5\n"
