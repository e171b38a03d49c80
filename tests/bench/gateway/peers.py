"""Another OCR server's HTTP layer beside ours."""

import asyncio

import aiohttp

from tests.bench.environments import RAPIDOCR_API, NotMeasuredError, interpreter
from tests.bench.gateway import programs
from tests.bench.gateway.load import Outcome, Shot, closed
from tests.bench.gateway.measures import Measure, Row, Sizes, open_session
from tests.bench.gateway.shots import form, page, through

CLIENTS = 32
PEER = "RapidOCRAPI 0.2.0"


async def other_http_layers(sizes: Sizes) -> list[Row]:
    """A page of 40 lines from engines that cost nothing: RapidOCRAPI has its own in process, ours is behind
    HTTP at a model server; neither decodes the image.
    """
    try:
        python = await asyncio.to_thread(interpreter, RAPIDOCR_API)
    except NotMeasuredError as error:
        print(f"== {PEER} is not measured: {error}", flush=True)
        return []
    image = page(noise=True)
    async with open_session() as client:
        with programs.empty_peer(python) as peer:
            theirs = await _both(client, form(f"{peer.url}/ocr", image), sizes)
        with programs.empty_servers(1) as servers, programs.gateway(servers) as door:
            ours = await _both(client, through(door, image), sizes)
    return [
        row
        for name, (alone, together) in ((PEER, theirs), ("KubeOCR's gateway and empty server", ours))
        for row in (
            Row(f"{name}: p50 of one client", 1000 * alone.percentile(0.5), "ms"),
            Row(f"{name}: {CLIENTS} clients", together.per_second, "/s"),
            Row(f"{name}: {CLIENTS} clients, p99", 1000 * together.percentile(0.99), "ms"),
        )
    ]


async def _both(client: aiohttp.ClientSession, shot: Shot, sizes: Sizes) -> tuple[Outcome, Outcome]:
    await closed(client, shot, count=20, clients=2)
    alone = await closed(client, shot, count=sizes.paired // 2, clients=1)
    return alone, await closed(client, shot, count=sizes.paired, clients=CLIENTS)


MEASURES: tuple[Measure, ...] = (other_http_layers,)
