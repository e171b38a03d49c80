"""What is known of one job."""

import gzip
import io
import json
import secrets
from typing import Literal

from pydantic import BaseModel, ConfigDict

from ocr_gateway.options import Options
from ocr_gateway.problems import Problem
from ocr_gateway.result import PAGE_RESULT, Recognised, Results

Status = Literal["queued", "running", "succeeded", "failed", "cancelled"]
ENDED: frozenset[Status] = frozenset({"succeeded", "failed", "cancelled"})
ID = r"job_[A-Za-z0-9_-]{32}"


def new_id() -> str:
    """An id that cannot be guessed: without authentication it is the only key to a result."""
    return f"job_{secrets.token_urlsafe(24)}"


class Record(BaseModel):
    """A job without its document and its result. Times are seconds since the epoch.

    `owner` is the client that may see it, `problem` what a failed job failed of.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    owner: str
    request_id: str
    options: Options
    created: float
    expires: float
    status: Status = "queued"
    attempts: int = 0
    pages_done: int = 0
    pages_total: int | None = None
    started: float | None = None
    finished: float | None = None
    problem: Problem | None = None

    @property
    def ended(self) -> bool:
        return self.status in ENDED

    def but(self, **changes: object) -> "Record":
        """The same with some members changed."""
        return self.model_copy(update=changes)


def pack(recognised: Recognised) -> bytes:
    """A result as it is kept: a line of JSON with the timings and one for each page, compressed."""
    kept = io.BytesIO()
    with gzip.GzipFile(fileobj=kept, mode="wb", compresslevel=1) as lines:
        lines.write(json.dumps(dict(recognised.timings_ms)).encode() + b"\n")
        for result in recognised.results:
            lines.write(PAGE_RESULT.dump_json(result) + b"\n")
    return kept.getvalue()


def unpack(data: bytes) -> Recognised:
    """A kept result."""
    with gzip.open(io.BytesIO(data)) as lines:
        timings_ms = json.loads(next(lines))
        return Recognised(Results(map(PAGE_RESULT.validate_json, lines)), timings_ms)
