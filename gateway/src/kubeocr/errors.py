"""The one error that calls raise, made of the server's problem (RFC 9457) where there is one."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# Where an answer says what is wrong; `message` is Kubernetes' own, when it stands in between.
WORDS = ("detail", "title", "message")


@dataclass(eq=False)
class OcrError(Exception):
    """A document, or a page of it, that could not be read.

    `code` is the server's, or `connection_failed`, `unreadable_answer`, `http_STATUS` where no problem came;
    `retryable` tells whether the same call may work later, `retry_after` in how many seconds, when told.
    """

    code: str
    detail: str
    retryable: bool = False
    request_id: str | None = None
    status: int | None = None
    retry_after: float | None = None

    def __str__(self) -> str:
        request = f" (request {self.request_id})" if self.request_id else ""
        return f"{self.code}: {self.detail}{request}"


def from_problem(problem: Mapping[str, Any], retry_after: float | None = None) -> OcrError:
    """The error of a problem document; members that are missing or unknown do no harm."""
    return OcrError(
        code=str(problem.get("code", f"http_{problem.get('status', 'error')}")),
        detail=str(next((problem[key] for key in WORDS if problem.get(key)), "The server gives no reason.")),
        retryable=bool(problem.get("retryable", False)),
        request_id=problem.get("instance"),
        status=problem.get("status"),
        retry_after=retry_after,
    )


def from_answer(
    status: int, body: bytes, request_id: str | None, retry_after: float | None = None
) -> OcrError:
    """The error of an answer that is no success; something in between may have written it, not the server."""
    try:
        problem = json.loads(body)
    except ValueError:
        problem = None
    if not isinstance(problem, dict):
        problem = {"detail": f"The answer has status {status} and gives no reason."}
    known = {"status": status, "instance": request_id, "retryable": status in {429, 503}}
    return from_problem({**known, **problem}, retry_after)
