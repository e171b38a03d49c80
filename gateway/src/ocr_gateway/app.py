"""The ASGI application: routes, error handlers and the parts that live as long as it does."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from ocr_gateway.access import build as access
from ocr_gateway.access.watched import Refreshing, watch
from ocr_gateway.config import Config, HostPort
from ocr_gateway.documents.admission import Admission
from ocr_gateway.documents.opener import Opener
from ocr_gateway.documents.renderers import Renderers
from ocr_gateway.edge import Edge
from ocr_gateway.formats.child import Children
from ocr_gateway.jobs import running as jobs
from ocr_gateway.metrics import Metrics
from ocr_gateway.problems import Problem, render
from ocr_gateway.recognise import Recogniser
from ocr_gateway.routes import api
from ocr_gateway.services import Services, exchange_of
from ocr_gateway.upstream.balancer import Balancer
from ocr_gateway.upstream.client import Upstream, open_session
from ocr_gateway.upstream.discovery import Discovery
from ocr_gateway.upstream.resolver import DnsResolver, FileResolver
from ocr_gateway.upstream.traffic import WHOLE, Divided, Split, Traffic, Undivided
from ocr_wire import raster
from ocr_wire.logs import Sampler
from ocr_wire.tracing import open_tracer

# Of what the gateway holds at once, what one client may have. Without authentication a client is an address,
# and that may be a proxy's with everybody behind it.
CLIENT_SHARE = 0.5


def create_app(
    config: Config, *, draining: Callable[[], bool] = lambda: False, watched: Sequence[Refreshing] = ()
) -> Starlette:
    """The gateway as an ASGI app.

    `draining` tells when connections are to be closed after their answer; `watched` are read again when they
    change, as the files of credentials are. Raises InvalidFileError, TracingError.
    """
    metrics = Metrics(config.service)
    tracer = open_tracer("ocr-gateway", config.service)
    authenticate, credentials = access.authenticator(config.access)
    traffic, splits = _traffic(config, metrics)
    store = jobs.open_store(config)
    files = (*watched, *credentials, *splits)
    metrics.expect(api.failures(jobs=store is not None), (one.name for one in files))

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[dict[str, Services]]:
        balancer = Balancer(asyncio.get_running_loop().time, random.Random())  # noqa: S311 - no secret
        async with open_session() as session, Renderers(config.documents) as renderers:
            resolver = FileResolver(config.endpoints_dir) if config.endpoints_dir else DnsResolver()
            discovery = Discovery(traffic, resolver, balancer, session)
            refreshing = asyncio.create_task(discovery.run(config.refresh_seconds))
            watching = asyncio.create_task(watch(files, config.access.reload_seconds, metrics.reloaded))
            try:
                upstream = Upstream(session, traffic, balancer, metrics, tracer, config.endpoint_wait_seconds)
                services = _services(config, metrics, balancer, upstream, renderers, refreshing)
                async with jobs.running(store, services, tracer, draining):
                    yield {"services": replace(services, jobs=store)}
            finally:
                for task in (refreshing, watching):
                    task.cancel()
                    with suppress(asyncio.CancelledError):
                        await task
                await asyncio.to_thread(tracer.close)

    return Starlette(
        routes=api.routes(jobs=store is not None),
        middleware=[
            Middleware(
                Edge,
                metrics=metrics,
                tracer=tracer,
                draining=draining,
                access_log=Sampler(config.access_log_sample),
            ),
            *access.middleware(config.access, authenticate, time.monotonic),
        ],
        exception_handlers={Problem: _on_problem, HTTPException: _on_http_exception},
        lifespan=lifespan,
    )


def _traffic(config: Config, metrics: Metrics) -> tuple[Traffic, tuple[Refreshing, ...]]:
    """Where requests go, and the file that says so. Raises InvalidFileError."""
    if isinstance(config.upstream, HostPort):
        return Undivided(Split({config.upstream: WHOLE})), ()
    divided = Divided(config.upstream, metrics.divided)
    return divided, (divided,)


def _services(
    config: Config,
    metrics: Metrics,
    balancer: Balancer,
    upstream: Upstream,
    renderers: Renderers,
    discovering: asyncio.Task[None],
) -> Services:
    limits = raster.Limits(max_pixels=config.max_image_pixels, max_pages=config.max_pages)
    admission = Admission(
        max_requests=config.max_requests,
        max_bytes=config.max_held_bytes,
        client_share=CLIENT_SHARE if config.access.authenticates else 1,
        backlog=lambda: upstream.queue.backlog_seconds,
    )
    metrics.watch(admission, balancer, upstream.queue)
    return Services(
        config=config,
        metrics=metrics,
        admission=admission,
        balancer=balancer,
        upstream=upstream,
        recogniser=Recogniser(
            upstream,
            metrics,
            Opener(renderers, limits),
            page_concurrency=lambda: config.page_concurrency * max(1, len(balancer.replicas)),
        ),
        children=Children(),
        discovering=discovering,
    )


async def _on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)  # noqa: S101 - narrows the type that Starlette's signature lost
    exchange = exchange_of(request)
    exchange.problem = error.code
    return render(error, request_id=exchange.request_id, path=request.url.path)


async def _on_http_exception(request: Request, error: Exception) -> Response:
    """The router's own 404 and 405."""
    assert isinstance(error, HTTPException)  # noqa: S101 - narrows the type that Starlette's signature lost
    method, path = request.method, request.url.path[:128]
    if error.status_code == 405:  # noqa: PLR2004 - Method Not Allowed
        headers = dict(error.headers or {})
        detail = f"{method} is not answered at {path}; allowed: {headers.get('Allow', '')}."
        return await _on_problem(request, Problem("method_not_allowed", detail, headers=headers))
    return await _on_problem(
        request, Problem("not_found", f"{path} is not known here; documents go to POST /v1/ocr.")
    )
