"""What an answer that is no success means for the operator."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, Final

from ocr_operator.cluster.port import (
    ClusterError,
    ConflictError,
    ForbiddenError,
    GoneError,
    RejectedError,
)

# How the authorizer words it; all other 403 come from admission: quota, Pod Security, policies, webhooks.
# https://github.com/kubernetes/kubernetes/blob/v1.35.4/staging/src/k8s.io/apiserver/pkg/endpoints/handlers/responsewriters/errors.go
_BY_RBAC: Final = re.compile(r'User ".*" cannot |cannot set blockOwnerDeletion')
_NAMESPACE_GOES: Final = "because it is being terminated"
LONGEST_RETRY_AFTER: Final = 300.0


def translate(
    code: int, body: Mapping[str, Any], retry_after: str | None, text: str, what: str
) -> ClusterError:
    """The error for an HTTP status of 400 or more; `body` is the Status object, if the answer was one."""
    said = body.get("message") or text[:300] or "no message"
    message = f"{what}: {code} {said}"
    match code:
        case 404 | 410:
            return GoneError(message)
        case 403:
            return _forbidden(message)
        case 409:
            return ConflictError(message)
        case 400 | 405 | 413 | 415 | 422:
            return RejectedError(message)
        case _:
            return ClusterError(message, retry_after=_seconds(body, retry_after))


def _forbidden(message: str) -> ClusterError:
    if _NAMESPACE_GOES in message:
        return GoneError(message)
    return ForbiddenError(message) if _BY_RBAC.search(message) else RejectedError(message)


def _seconds(body: Mapping[str, Any], header: str | None) -> float | None:
    """Retry-After in seconds, from the header or the Status object; a date or nonsense counts as none."""
    details = body.get("details")
    inside = details.get("retryAfterSeconds") if isinstance(details, Mapping) else None
    try:
        seconds = float(header if header is not None else inside)  # type: ignore[arg-type]  # None raises TypeError
    except (TypeError, ValueError):
        return None
    return None if math.isnan(seconds) else min(max(seconds, 0.0), LONGEST_RETRY_AFTER)
