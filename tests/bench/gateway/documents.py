"""Long PDFs: what memory they take, and how many pages a second go through."""

import asyncio
import re
from contextlib import ExitStack, suppress
from pathlib import Path

import aiohttp

from tests.bench.gateway import programs
from tests.bench.gateway.load import Shot, send
from tests.bench.gateway.measures import Measure, Row, Sizes
from tests.bench.gateway.programs import Program
from tests.support.pdfs import PdfPage, pdf, text

SHORT, LONG = 10, 300
SAMPLE_SECONDS = 0.05
LIMITS = ("--max-pages", str(LONG), "--request-timeout-seconds", "600")


async def long_documents(_: Sizes) -> list[Row]:
    """Pages drawn at 200 dpi, for empty model servers; memory is that of gateway and renderers together."""
    rows = []
    for count in (1, 2, 4):
        with programs.empty_servers(count) as servers, programs.gateway(servers, *LIMITS) as door:
            seconds, peak = await _read(door, LONG, "ocr")
        rows.append(Row(f"drawn pages over {count} model servers", LONG / seconds, "/s"))
    rows.append(Row(f"memory for a PDF of {LONG} pages", peak, "MiB", "as for 10 pages"))
    with programs.empty_servers(4) as servers, programs.gateway(servers, *LIMITS) as door:
        _, peak = await _read(door, SHORT, "ocr")
        seconds, _ = await _read(door, LONG, "text")
    rows.append(Row(f"memory for a PDF of {SHORT} pages", peak, "MiB"))
    return [*rows, Row("pages by their own text", LONG / seconds, "/s")]


async def real_documents(_: Sizes) -> list[Row]:
    """A PDF of 12 pages, drawn at 200 dpi, over model servers of one thread with the model `fast`."""
    rows = []
    for count in (1, 2):
        with ExitStack() as stack:
            servers = [stack.enter_context(programs.model_server("fast", 1)) for _ in range(count)]
            door = stack.enter_context(programs.gateway(servers, *LIMITS))
            await _read(door, 2, "ocr")
            seconds, _ = await _read(door, 12, "ocr")
        rows.append(Row(f"pages read by {count} model servers", 12 / seconds, "/s"))
    return rows


MEASURES: tuple[Measure, ...] = (long_documents, real_documents)


async def _read(door: Program, pages: int, mode: str) -> tuple[float, float]:
    """Seconds that a PDF of so many pages takes, and the most MiB that gateway and renderers held."""
    lines = (f"Position {row}: {row * 7919 % 997} pieces, delivered" for row in range(40))
    data = pdf([PdfPage(text(*lines, size=9))] * pages)
    shot = Shot(f"{door.url}/v1/ocr?output=text&pdf_mode={mode}", data)
    peak = 0.0

    async def sample() -> None:
        nonlocal peak
        while True:
            peak = max(peak, _tree_mib(door.pid))
            await asyncio.sleep(SAMPLE_SECONDS)

    sampling = asyncio.create_task(sample())
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(None)) as client:
        status, seconds = await send(client, shot)
    sampling.cancel()
    assert status == 200, f"answered {status}"
    return seconds, peak


def _tree_mib(pid: int) -> float:
    """Memory of the process and its children; pages that they share count once (PSS)."""
    total = 0
    for status in Path("/proc").glob("[0-9]*/status"):
        with suppress(OSError):  # it has ended
            family = {
                int(found) for found in re.findall(r"^P?Pid:\s+(\d+)", status.read_text(), re.MULTILINE)
            }
            if pid in family:
                rollup = status.with_name("smaps_rollup").read_text()
                total += int(re.findall(r"^Pss:\s+(\d+)", rollup, re.MULTILINE)[0])
    return total / 1024
