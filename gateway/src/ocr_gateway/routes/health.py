"""/livez, /readyz and /metrics: what Kubernetes and Prometheus ask."""

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from ocr_gateway.problems import Problem
from ocr_gateway.routes.operation import Operation, Reply
from ocr_gateway.services import services_of


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
    """The Prometheus exposition of this app's registry."""
    content = generate_latest(services_of(request).metrics.registry)
    return Response(content, headers={"Content-Type": CONTENT_TYPE_LATEST})


TEXT = {"text/plain": {"type": "string"}}

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
    Operation("GET", "/metrics", metrics, "Metrics for Prometheus.", {200: Reply("Its text format.", TEXT)}),
)
