"""One JSON object a line on stderr."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Final

# kopf tells at INFO what each handler did and at DEBUG whole bodies: neither is for our log.
QUIET: Final = {"kopf": logging.WARNING, "aiohttp.access": logging.WARNING, "asyncio": logging.WARNING}


class JsonFormatter(logging.Formatter):
    """timestamp, severity, message, logger; `service` where it is about one; the stack of an exception."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        entry = {
            "timestamp": time.replace("+00:00", "Z"),
            "severity": record.levelname.lower(),
            "message": record.getMessage(),
            "logger": record.name,
        }
        service = getattr(record, "service", None)
        if service is not None:
            entry["service"] = service
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


def configure(level: str) -> None:
    """Send the log of the whole process to stderr."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name, threshold in QUIET.items():
        logging.getLogger(name).setLevel(max(threshold, logging.getLogger().level))
