"""Jobs when gateways die: two processes on one Redis."""

import asyncio
import signal
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from tests.component.test_gateway_process import free_port, program
from tests.support.redis import redis_server
from tests.unit.gateway_kit import ModelServer, eventually, image, model_server, reading, until_gone

JOBS = 8


async def test_a_killed_gateway_loses_no_accepted_job(tmp_path: Path) -> None:
    async with redis_server(tmp_path, free_port()) as url, model_server(until_gone) as double:
        flags = ("--job-store=redis", f"--redis-url-file={url}", "--job-workers=2")
        async with program(double, *flags) as (process, client):
            accepted = [
                (await client.post("/v1/jobs", content=image(colour=number))).headers["location"]
                for number in range(JOBS)
            ]
            await eventually(lambda: double.running == 2)
            process.send_signal(signal.SIGKILL)
            await process.wait()
        double.behaviour = reading
        async with program(double, *flags) as (_, other):
            for number, job in enumerate(accepted):
                told = (await other.get(f"{job}?wait=20")).json()
                assert told["status"] == "succeeded", told
                result = await other.get(f"{job}/result", headers={"accept": "text/plain"})
                assert result.text == f"grey {number}\n"


async def test_sigterm_lets_a_running_job_in_memory_end(tmp_path: Path) -> None:
    release = asyncio.Event()

    async def held(request: Request, double: ModelServer) -> Response:
        await release.wait()
        return await reading(request, double)

    async with model_server(held) as double, program(double, "--job-store=memory") as (process, client):
        await client.post("/v1/jobs", content=image())
        await eventually(lambda: double.running == 1)
        await client.aclose()
        process.send_signal(signal.SIGTERM)
        release.set()
        _, err = await process.communicate()
        assert process.returncode == 0
        assert b'"status": "succeeded"' in err or b'"status":"succeeded"' in err
