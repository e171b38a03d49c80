"""/livez, /readyz and /metrics: what Kubernetes and Prometheus ask."""

import asyncio
import math

from prometheus_client.exposition import choose_encoder
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from ocr_gateway.jobs.store import JobStore
from ocr_gateway.problems import Problem
from ocr_gateway.routes.operation import Operation, Reply
from ocr_gateway.services import services_of

STORE_SECONDS = 1.0


async def livez(request: Request) -> Response:
    """200 as long as the event loop turns and the model servers are looked for."""
    if services_of(request).discovering.done():
        raise Problem("internal", "The search for model servers has ended; this gateway must be restarted.")
    return PlainTextResponse("ok\n")


async def readyz(request: Request) -> Response:
    """200 when a model server is ready. A full queue is no reason to take the gateway out."""
    if not services_of(request).balancer.any_ready:
        raise Problem("not_ready", "No model server has said that it is ready.", retry_after=1)
    return PlainTextResponse("ok\n")


async def metrics(request: Request) -> Response:
    """The text format, or OpenMetrics, which has the exemplars, where that is asked for."""
    services = services_of(request)
    if services.jobs is not None:
        services.metrics.jobs_waiting.set(await _waiting(services.jobs))
    encode, content_type = choose_encoder(request.headers.get("accept", ""))
    return Response(encode(services.metrics.registry), headers={"Content-Type": content_type})


async def _waiting(jobs: JobStore) -> float:
    """Jobs that wait; not a number when the store does not tell in time for the scrape."""
    try:
        async with asyncio.timeout(STORE_SECONDS):
            return await jobs.waiting()
    except (Problem, TimeoutError):
        return math.nan


TEXT = {"text/plain": {"type": "string"}}
OPENMETRICS = {"application/openmetrics-text": {"type": "string"}}

OPERATIONS = (
    Operation("GET", "/livez", livez, "Whether the gateway lives.", {200: Reply("It does.", TEXT)}),
    Operation(
        "GET",
        "/readyz",
        readyz,
        "Whether documents can be sent.",
        {200: Reply("They can.", TEXT)},
        problems=frozenset({"not_ready"}),
    ),
    Operation(
        "GET",
        "/metrics",
        metrics,
        "Metrics for Prometheus.",
        {200: Reply("Its text format, or OpenMetrics where `Accept` asks for it.", TEXT | OPENMETRICS)},
    ),
)
