"""The whole API as strangers use it: schemathesis out of /openapi.json, and the examples of docs/api.md."""

import asyncio
import base64
import json
import os
import re
import shlex
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.component.test_gateway_model_servers import Program, running

ROOT = Path(__file__).parents[2]
SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")


@asynccontextmanager
async def service(folder: Path, *flags: str) -> AsyncIterator[str]:
    """A gateway before a real model server; its URL."""
    server = Program("ocr-modelserver", ("--threads", "1", "--model", "fast"))
    (folder / "models").write_text(f"127.0.0.1:{server.port}\n")
    door = Program("ocr-gateway", ("--upstream", "models:80", *flags), {"OCR_ENDPOINTS_DIR": str(folder)})
    async with running(server, door):
        yield f"http://127.0.0.1:{door.port}"


async def test_schemathesis_finds_nothing(tmp_path: Path) -> None:
    async with service(tmp_path, "--job-store=memory") as url:
        process = await asyncio.create_subprocess_exec(
            SCHEMATHESIS,
            *("run", f"{url}/openapi.json", "--max-examples", "10", "--request-timeout", "30"),
            *("--seed", "1", "--no-color"),
            cwd=ROOT,
            env={**os.environ, "HYPOTHESIS_STORAGE_DIRECTORY": str(tmp_path)},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()
        assert process.returncode == 0, said.decode()


async def shell(command: str, **variables: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *("bash", "-euc", command),
        cwd=ROOT,
        env={**os.environ, **variables},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode == 0, f"{command}\n{err.decode()}"
    return out.decode()


def document(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def blocks(text: str) -> list[str]:
    """The shell blocks of a document."""
    return [block.partition("\n```")[0] for block in text.split("```sh\n")[1:]]


def image() -> str:
    return base64.b64encode((ROOT / "examples" / "sample.png").read_bytes()).decode()


async def test_every_call_of_the_system_before_works(tmp_path: Path) -> None:
    text = document("migration.md")
    examples = [*blocks(text), *re.findall(r"`(curl [^`]+)`", text)]
    assert len(examples) == 4
    async with service(tmp_path) as url:
        for example in examples:
            said = await shell(example.replace("curl", "curl -fsS", 1), URL=url, IMAGE=image())
            assert "ready" in example or "Total: 110.00 EUR" in said


async def test_every_example_of_the_document_works(tmp_path: Path) -> None:
    examples = blocks(document("api.md"))
    create = "curl -fsS --data-binary @examples/sample.png $URL/v1/jobs"
    assert len(examples) > 20
    async with service(tmp_path, "--job-store=memory") as url:
        job = json.loads(await shell(create, URL=url))["id"]
        await shell("curl -fsS $URL/v1/jobs/$JOB?wait=60", URL=url, JOB=job)
        # What ends the job comes last.
        for example in sorted(examples, key=lambda example: "DELETE" in shlex.split(example)):
            strict = example.replace("curl", "curl -fsS", 1)
            said = await shell(strict, URL=url, JOB=job, IMAGE=image())
            if "examples/sample.png" in example and "/v1/jobs" not in example:
                assert "Total: 110.00 EUR" in said
