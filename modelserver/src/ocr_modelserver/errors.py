"""Errors as clients see them: a status and `{"error", "code", "limit", "actual"}`."""

import json
from collections.abc import Mapping

from starlette.responses import Response

from ocr_wire.oip import OipError
from ocr_wire.raster import ImageProblem

_STATUS = {
    "invalid_request": 400,
    "empty_body": 400,
    "not_found": 404,
    "model_not_found": 404,
    "method_not_allowed": 405,
    "body_timeout": 408,
    "body_too_large": 413,
    "too_many_pixels": 413,
    "too_many_pages": 413,
    "unsupported_media_type": 415,
    "undecodable_image": 422,
    "image_too_small": 422,
    "internal": 500,
    "not_ready": 503,
    "queue_full": 503,
    "deadline_exceeded": 504,
}


class ServiceError(Exception):
    """A refusal with one of the codes above."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        limit: int | None = None,
        actual: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.limit = limit
        self.actual = actual
        self.headers = dict(headers or {})

    @property
    def status(self) -> int:
        """The HTTP status of the code."""
        return _STATUS[self.code]

    def response(self) -> Response:
        """The HTTP response."""
        body: dict[str, object] = {"error": self.message, "code": self.code}
        body |= {k: v for k, v in (("limit", self.limit), ("actual", self.actual)) if v is not None}
        return Response(json.dumps(body), self.status, self.headers, "application/json")


def as_service_error(error: OipError | ImageProblem, place: str = "") -> ServiceError:
    """The wire's errors; `place` names the image when there are several."""
    if isinstance(error, OipError):
        return ServiceError(error.code, error.message)
    return ServiceError(error.code, place + error.detail, limit=error.limit, actual=error.actual)
