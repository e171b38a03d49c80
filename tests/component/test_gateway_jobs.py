"""Jobs when gateways die: two processes on one Redis."""

import asyncio
import signal
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from tests.support.gateway_program import free_port, program, start
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


async def test_a_file_without_a_url_of_redis_ends_it_with_one_line_that_does_not_tell_what_it_holds(
    tmp_path: Path,
) -> None:
    file = tmp_path / "url"
    file.write_text("secret")
    for path, words in ((file, "holds no redis://"), (tmp_path / "none", "cannot be read")):
        process = await start("--upstream", "a:1", "--job-store=redis", f"--redis-url-file={path}")
        _, err = await process.communicate()
        assert process.returncode == 1
        assert words in err.decode().splitlines()[-1]
        assert b"secret" not in err
