"""One request to the Kubernetes API: JSON in, JSON out, the port's errors."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, Protocol

import aiohttp

from ocr_operator.cluster.kube.access import Access
from ocr_operator.cluster.kube.errors import translate
from ocr_operator.cluster.port import ClusterError, GoneError

JSON: Final = "application/json"
# JSON is YAML, and quicker to write: https://kubernetes.io/docs/reference/using-api/server-side-apply/
APPLY: Final = "application/apply-patch+yaml"
TIMEOUT: Final = aiohttp.ClientTimeout(total=30, sock_connect=10)


class RequestTelemetry(Protocol):
    """Who is told about each request: HTTP method, resource, status or kind of failure, seconds."""

    def __call__(self, verb: str, resource: str, code: str, seconds: float, /) -> None: ...


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked; `resource` is a word for metrics, bounded in number."""

    method: str
    path: str
    resource: str
    query: Mapping[str, str] | None = None
    body: Mapping[str, Any] | None = None
    content_type: str = JSON
    accept: str = JSON

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class Http:
    """Sends requests, each once: who called decides about another try."""

    def __init__(self, access: Access, telemetry: RequestTelemetry) -> None:
        """Open the session; `close` ends it."""
        self._access = access
        self._telemetry = telemetry
        self._session = access.session()

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()

    async def send(self, request: Request) -> dict[str, Any]:
        """The answer's JSON object. Raises ClusterError or the subclass that fits."""
        started, code = time.perf_counter(), "error"
        try:
            status, text, retry_after = await self._exchange(request)
            code = str(status)
        except TimeoutError as error:
            code = "timeout"
            raise ClusterError(f"{request}: no answer in {TIMEOUT.total:.0f} s") from error
        except (aiohttp.ClientError, OSError) as error:
            raise ClusterError(f"{request}: {str(error) or type(error).__name__}") from error
        finally:
            self._telemetry(request.method, request.resource, code, time.perf_counter() - started)
        if status == HTTPStatus.UNAUTHORIZED:
            await self._access.reload()
        body = _parse(text)
        if status >= HTTPStatus.BAD_REQUEST:
            raise translate(status, body or {}, retry_after, text, str(request))
        if body is None:
            raise ClusterError(f"{request}: the answer is no JSON object")
        return body

    async def find(self, request: Request) -> dict[str, Any] | None:
        """The answer's JSON object, or None if there is no such object."""
        try:
            return await self.send(request)
        except GoneError:
            return None

    async def _exchange(self, request: Request) -> tuple[int, str, str | None]:
        async with self._session.request(
            request.method,
            f"{self._access.server}{request.path}",
            params=request.query,
            data=None if request.body is None else json.dumps(request.body).encode(),
            headers={"Accept": request.accept, "Content-Type": request.content_type},
            timeout=TIMEOUT,
            allow_redirects=False,
        ) as response:
            return response.status, await response.text(), response.headers.get("Retry-After")


def _parse(text: str) -> dict[str, Any] | None:
    try:
        body = json.loads(text)
    except ValueError:
        return None
    return body if isinstance(body, dict) else None
