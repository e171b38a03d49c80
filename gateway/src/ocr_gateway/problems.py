"""Errors as RFC 9457 problems: one table of codes, one exception, one renderer."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from starlette.responses import Response

TYPE_PREFIX = "https://kubeocr.dev/problems/"


@dataclass(frozen=True)
class Code:
    """What a problem code means: HTTP status, title, whether the same request may work later."""

    status: int
    title: str
    retryable: bool = False


CODES: Mapping[str, Code] = MappingProxyType(
    {
        "empty_body": Code(400, "The document is empty"),
        "invalid_base64": Code(400, "The document is not valid base64"),
        "invalid_json": Code(400, "The body is not valid JSON"),
        "invalid_pages": Code(400, "The document has no such pages"),
        "invalid_multipart": Code(400, "The body is not valid multipart/form-data"),
        "invalid_parameter": Code(400, "A parameter has a wrong value"),
        "missing_document": Code(400, "The request holds no document"),
        "unknown_parameter": Code(400, "A parameter is unknown"),
        "unauthenticated": Code(401, "The request has no valid credential"),
        "not_found": Code(404, "There is nothing at this path"),
        "job_cancelled": Code(404, "The job was cancelled"),
        "job_not_found": Code(404, "There is no such job"),
        "method_not_allowed": Code(405, "The path does not answer this method"),
        "not_acceptable": Code(406, "None of the accepted formats can be produced"),
        "body_timeout": Code(408, "The body did not arrive in time", retryable=True),
        "idempotency_key_reused": Code(409, "The Idempotency-Key stands for another request"),
        "job_not_finished": Code(409, "The job has not ended yet", retryable=True),
        "result_expired": Code(410, "The job's result is no longer kept"),
        "body_too_large": Code(413, "The body is too large"),
        "too_many_pages": Code(413, "The document has too many pages"),
        "too_many_parts": Code(413, "The multipart body has too many parts"),
        "too_many_pixels": Code(413, "The image has too many pixels"),
        "unsupported_media_type": Code(415, "The document's format cannot be read"),
        "corrupt_pdf": Code(422, "The PDF cannot be opened"),
        "encrypted_pdf": Code(422, "The PDF is encrypted"),
        "image_too_small": Code(422, "The image is too small"),
        "page_render_failed": Code(422, "The page cannot be drawn"),
        "undecodable_image": Code(422, "The image cannot be decoded"),
        "output_failed": Code(422, "The output cannot be made of this document"),
        "tenant_busy": Code(429, "The client has too much in work", retryable=True),
        "tenant_quota": Code(429, "The client has asked too often", retryable=True),
        "internal": Code(500, "Something went wrong here"),
        "upstream_error": Code(502, "A model server failed", retryable=True),
        "job_store_unavailable": Code(503, "The store of the jobs does not answer", retryable=True),
        "jobs_full": Code(503, "No more jobs are kept", retryable=True),
        "not_ready": Code(503, "No model server is ready", retryable=True),
        "queue_full": Code(503, "The service is full", retryable=True),
        "deadline_exceeded": Code(504, "The request took too long", retryable=True),
    }
)


@dataclass(eq=False)
class Problem(Exception):  # noqa: N818 - RFC 9457 calls it a problem
    """A request that cannot be answered, told to the client as `application/problem+json`.

    `detail` names the value, the limit and the way out. `retry_after` is in seconds.
    """

    code: str
    detail: str
    limit: float | None = None
    actual: float | None = None
    page: int | None = None
    retry_after: float | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def status(self) -> int:
        return CODES[self.code].status

    def document(self, request_id: str) -> dict[str, str | int | float | bool]:
        """The problem's members; `limit`, `actual` and `page` only when they apply."""
        code = CODES[self.code]
        members: dict[str, str | int | float | bool] = {
            "type": TYPE_PREFIX + self.code,
            "title": code.title,
            "status": code.status,
            "detail": self.detail,
            "instance": request_id,
            "code": self.code,
            "retryable": code.retryable,
        }
        extra = {"limit": self.limit, "actual": self.actual, "page": self.page}
        return members | {name: value for name, value in extra.items() if value is not None}


class ClientGone(Exception):  # noqa: N818 - an event of the connection, not a fault
    """The client closed the connection before the answer: work stops, nothing is sent."""


def render(problem: Problem, *, request_id: str, path: str) -> Response:
    """The response of a problem. Where clients of other servers call, it has the members they read, too."""
    document = problem.document(request_id)
    if path.startswith(("/v2", "/compat/liteparse", "/compat/tesseract")):
        document["error"] = problem.detail
    if path.startswith("/compat/paddlex"):
        document |= {"logId": request_id, "errorCode": problem.status, "errorMsg": problem.detail}
    headers = dict(problem.headers)
    if problem.retry_after is not None:
        headers["Retry-After"] = str(max(1, math.ceil(problem.retry_after)))
    return Response(
        json.dumps(document, ensure_ascii=False),
        status_code=problem.status,
        headers=headers,
        media_type="application/problem+json",
    )
