"""The program `ocr-gateway` as a process: its start, its signals, its ends."""

import asyncio
import json
import signal

import httpx
from starlette.requests import Request
from starlette.responses import Response

from tests.support.gateway_program import program, start
from tests.unit.gateway_kit import ModelServer, eventually, free_socket, image, model_server, reading

PNG = image()


async def test_a_wrong_flag_ends_it_with_status_2_and_one_line() -> None:
    process = await start("--upstream", "nowhere")
    out, err = await process.communicate()
    assert (process.returncode, out) == (2, b"")
    assert err.decode().count("\n") == 1


async def test_a_taken_port_ends_it_with_status_1_and_one_line() -> None:
    with free_socket() as taken:
        port = taken.getsockname()[1]
        process = await start("--upstream", "127.0.0.1:1", "--port", str(port))
        out, err = await process.communicate()
    assert (process.returncode, out) == (1, b"")
    assert err.decode() == f"ocr-gateway: cannot listen on 127.0.0.1 port {port}: Address already in use\n"


async def test_sigterm_without_connections_ends_it_at_once_with_status_0_and_only_json_on_stderr() -> None:
    async with model_server() as double, program(double) as (process, client):
        await client.post("/v1/ocr", content=PNG)
        await client.aclose()
        process.send_signal(signal.SIGTERM)
        _, err = await process.communicate()
        assert process.returncode == 0
        messages = [json.loads(line)["message"] for line in err.splitlines()]
        assert messages[0] == "listening"
        assert {"request", "draining"} <= set(messages)


async def test_sigterm_lets_requests_finish_and_kept_connections_end_in_order() -> None:
    release = asyncio.Event()

    async def held(request: Request, double: ModelServer) -> Response:
        await release.wait()
        return await reading(request, double)

    async with model_server(held) as double, program(double) as (process, client):
        inside = asyncio.create_task(client.post("/v1/ocr", content=PNG))
        await eventually(lambda: double.running == 1)
        async with httpx.AsyncClient(base_url=client.base_url) as kept:
            assert "connection" not in (await kept.get("/livez")).headers
            process.send_signal(signal.SIGTERM)
            await asyncio.sleep(
                0.5
            )  # the point is what has not happened by now: the connection is still good
            assert (await kept.get("/livez")).headers["connection"] == "close"
        release.set()
        answer = await inside
        assert answer.status_code == 200
        assert answer.headers["connection"] == "close"
        await process.communicate()
        assert process.returncode == 0


async def test_the_drain_is_over_in_time_though_a_client_holds_on() -> None:
    async with model_server() as double, program(double, "--drain-seconds", "0.5") as (process, _):
        process.send_signal(signal.SIGTERM)  # the client's connection stays open
        async with asyncio.timeout(20):
            await process.communicate()
        assert process.returncode == 0
