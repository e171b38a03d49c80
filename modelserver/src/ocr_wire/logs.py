"""Logs as JSON, one object a line, on standard error."""

import json
import logging
import sys
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}

# What each line has that is written while a request is served: `request_id`, `trace_id`.
CONTEXT: ContextVar[Mapping[str, str]] = ContextVar("log context")


class JsonFormatter(logging.Formatter):
    """One JSON object a record: timestamp, severity, message, logger, the request's, and those of `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        entry: dict[str, object] = {
            "timestamp": time.replace("+00:00", "Z"),
            "severity": record.levelname.lower(),
            "message": record.getMessage(),
            "logger": record.name,
            **CONTEXT.get({}),
        }
        entry |= {key: value for key, value in vars(record).items() if key not in _STANDARD}
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str, ensure_ascii=False)


class Sampler:
    """Chooses what is worth a line: everything that went wrong, and one of `every` that went well."""

    def __init__(self, every: int) -> None:
        self._every = every
        self._well = 0

    def takes(self, *, well: bool) -> bool:
        """Whether this one is written; the first one is."""
        if not well:
            return True
        self._well += 1
        return self._well % self._every == 1 % self._every


def configure(level: str) -> None:
    """Send every logger's records of at least `level` (debug, info, warning, error) to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
