"""Holds every answer of a gateway against what its operations declare."""

import re
from collections.abc import Iterable

import httpx

from ocr_gateway.routes.operation import GATE, Operation

PAGE = re.compile(r"/|/assets/.*")


def check(response: httpx.Response, code: str | None, operations: Iterable[Operation]) -> None:
    """Fail when the status, the media type or the problem's code is not one that was declared."""
    request = response.request
    here = [o for o in operations if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", o.path), request.url.path)]
    method = "GET" if request.method == "HEAD" else request.method
    operation = next((o for o in here if o.method == method), None)
    said = f"{request.method} {request.url.path} answered {response.status_code} {code}"
    if request.method == "OPTIONS" or PAGE.fullmatch(request.url.path):
        return  # a browser asks whether a page of another origin may call, or for the page itself
    if operation is None:
        assert response.status_code == (405 if here else 404) or code in GATE, said
        return
    if code is not None:
        assert code in operation.codes, f"{said}; {operation.path} declares {sorted(operation.codes)}"
        return
    reply = {**operation.answers, **operation.other_errors}.get(response.status_code)
    assert reply is not None, f"{said}, which is not declared"
    media_type = response.headers.get("content-type", "").partition(";")[0]
    assert not reply.content or media_type in reply.content, f"{said} as {media_type}"
