"""The clients: a sync and an async one over the same requests and answers."""

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Self, TypeVar, overload

import httpx

from kubeocr.errors import OcrError, from_answer
from kubeocr.result import Document, parse
from kubeocr.retries import Retries, seconds_of

Source = str | Path | bytes
Option = str | int | float | bool
H = TypeVar("H", httpx.Client, httpx.AsyncClient)

CONNECT_SECONDS = 10.0


class _Base(Generic[H]):
    """How both clients are made. `timeout` is in seconds, for one answer.

    `http`, if given, is what requests are sent by: with a proxy, certificates or a socket of yours.
    """

    _transport: type[H]

    def __init__(
        self,
        url: str,
        *,
        api_key: str | None = None,
        timeout: float = 300,
        retries: Retries = Retries(),  # noqa: B008 - frozen
        http: H | None = None,
    ) -> None:
        self._retries = retries
        self._http: H = http or self._transport()
        self._http.base_url = url.rstrip("/") + "/"
        self._http.timeout = httpx.Timeout(timeout, connect=CONNECT_SECONDS)
        if api_key:
            self._http.headers["Authorization"] = f"Bearer {api_key}"


class Client(_Base[httpx.Client]):
    """Reads documents; a context manager, or to be closed. Threads may share it.

    Calls raise OcrError; OSError for a file that cannot be opened.
    """

    _transport = httpx.Client

    @overload
    def read(self, source: Source, output: None = None, **options: Option) -> Document: ...
    @overload
    def read(self, source: Source, output: str, **options: Option) -> bytes: ...
    def read(self, source: Source, output: str | None = None, **options: Option) -> Document | bytes:
        """The document at a path, or of these bytes; with an `output`, in that format as the server sends it.

        `options` are the API's: `level="word"`, `pages="1-3"`, ...
        """
        request = self._http.build_request("POST", "v1/ocr", **_content(_bytes(source), output, options))
        attempt = 1
        while True:
            try:
                body = _body(self._http.send(request))
                return body if output else parse(body)
            except (httpx.HTTPError, OcrError) as error:
                time.sleep(_pause(error, attempt, self._retries))
            attempt += 1

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self.close()


class AsyncClient(_Base[httpx.AsyncClient]):
    """The same for asyncio; an asynchronous context manager, or to be closed."""

    _transport = httpx.AsyncClient

    @overload
    async def read(self, source: Source, output: None = None, **options: Option) -> Document: ...
    @overload
    async def read(self, source: Source, output: str, **options: Option) -> bytes: ...
    async def read(self, source: Source, output: str | None = None, **options: Option) -> Document | bytes:
        """As `Client.read`."""
        data = await asyncio.to_thread(_bytes, source)
        request = self._http.build_request("POST", "v1/ocr", **_content(data, output, options))
        attempt = 1
        while True:
            try:
                body = _body(await self._http.send(request))
                return body if output else parse(body)
            except (httpx.HTTPError, OcrError) as error:
                await asyncio.sleep(_pause(error, attempt, self._retries))
            attempt += 1

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        await self.aclose()


@overload
def read(
    url: str, source: Source, output: None = None, *, api_key: str | None = None, **options: Option
) -> Document: ...
@overload
def read(
    url: str, source: Source, output: str, *, api_key: str | None = None, **options: Option
) -> bytes: ...
def read(
    url: str, source: Source, output: str | None = None, *, api_key: str | None = None, **options: Option
) -> Document | bytes:
    """`Client.read` on a connection of its own."""
    with Client(url, api_key=api_key) as client:
        return client.read(source, output, **options) if output else client.read(source, None, **options)


@overload
async def aread(
    url: str, source: Source, output: None = None, *, api_key: str | None = None, **options: Option
) -> Document: ...
@overload
async def aread(
    url: str, source: Source, output: str, *, api_key: str | None = None, **options: Option
) -> bytes: ...
async def aread(
    url: str, source: Source, output: str | None = None, *, api_key: str | None = None, **options: Option
) -> Document | bytes:
    """`AsyncClient.read` on a connection of its own."""
    async with AsyncClient(url, api_key=api_key) as client:
        return await (
            client.read(source, output, **options) if output else client.read(source, None, **options)
        )


def _bytes(source: Source) -> bytes:
    return source if isinstance(source, bytes) else Path(source).read_bytes()


def _content(data: bytes, output: str | None, options: Mapping[str, Option]) -> dict[str, Any]:
    """The parts of a request. What the document is, the server finds in its bytes."""
    headers = {"Content-Type": "application/octet-stream", "Accept": "*/*"}
    return {"content": data, "params": {"output": output or "json", **options}, "headers": headers}


def _body(answer: httpx.Response) -> bytes:
    if answer.is_success:
        return answer.content
    pause = seconds_of(answer.headers.get("retry-after"))
    raise from_answer(answer.status_code, answer.content, answer.headers.get("x-request-id"), pause)


def _pause(error: httpx.HTTPError | OcrError, attempt: int, retries: Retries) -> float:
    """Seconds until the next attempt; raises the error, as an OcrError, when there is none."""
    told = error if isinstance(error, OcrError) else _failed(error)
    seconds = retries.pause(told, attempt)
    if seconds is None:
        raise told from (None if told is error else error)
    return seconds


def _failed(error: httpx.HTTPError) -> OcrError:
    """A slow answer is not asked for again: the work would only be done twice."""
    where = error.request.url.copy_with(query=None)
    match error:
        case httpx.UnsupportedProtocol():
            return OcrError("invalid_url", f"{where} is no http:// or https:// address.")
        case httpx.ReadTimeout() | httpx.WriteTimeout():
            return OcrError("timed_out", f"No whole answer from {where} in time.", retryable=True)
        case _:
            detail = f"No whole answer from {where}: {str(error) or type(error).__name__}."
            return OcrError("connection_failed", detail, retryable=True)
