"""The whole API as strangers use it: schemathesis out of /openapi.json, against the real programs."""

import asyncio
import os
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
            "--no-color",
            cwd=ROOT,
            env={**os.environ, "HYPOTHESIS_STORAGE_DIRECTORY": str(tmp_path)},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()
        assert process.returncode == 0, said.decode()
