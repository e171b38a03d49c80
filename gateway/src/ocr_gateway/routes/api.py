"""All that the gateway answers: the operations, their routes, and GET /openapi.json about them."""

import json
from collections.abc import Iterator

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from ocr_gateway.problems import CODES
from ocr_gateway.routes import about, batch, compat, health, mimicry, ocr, oip, page
from ocr_gateway.routes import jobs as job_routes
from ocr_gateway.routes.openapi import describe
from ocr_gateway.routes.operation import Operation, Reply
from ocr_gateway.routes.operation import routes as routes_of

SERVER_ERROR = 500


def operations(*, jobs: bool) -> tuple[Operation, ...]:
    """All operations, in the order of the documentation; those of jobs only where jobs are kept."""
    described: list[bytes] = []

    async def openapi(_: Request) -> Response:
        return Response(described[0], media_type="application/json")

    all_of_them = (
        *ocr.operations(with_jobs=jobs),
        *batch.OPERATIONS,
        *(job_routes.OPERATIONS if jobs else ()),
        *about.OPERATIONS,
        *compat.OPERATIONS,
        *mimicry.OPERATIONS,
        *oip.OPERATIONS,
        *health.OPERATIONS,
        Operation(
            "GET",
            "/openapi.json",
            openapi,
            "This description.",
            {200: Reply("OpenAPI 3.1.", {"application/json": {"type": "object"}})},
        ),
    )
    described.append(json.dumps(describe(all_of_them), ensure_ascii=False).encode())
    return all_of_them


def routes(*, jobs: bool) -> tuple[BaseRoute, ...]:
    """The routes that serve them, and the page for people."""
    return (*routes_of(operations(jobs=jobs)), *page.ROUTES)


def failures(*, jobs: bool) -> Iterator[tuple[str, int]]:
    """Path and status of every answer to work that is a failure of the service."""
    for operation in operations(jobs=jobs):
        if operation.method == "POST":
            statuses = {CODES[code].status for code in operation.codes}
            yield from ((operation.path, status) for status in sorted(statuses) if status >= SERVER_ERROR)
