"""What the user sees: the services as `kubectl get ocrservices` prints them, and what happens to them."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TextIO

from ocr_operator.cluster.local.store import Store
from ocr_operator.models.manifest import OCR_SERVICE, Manifest
from ocr_operator.models.names import GATEWAY, MODEL_SERVER

HEAD: Final = ("NAME", "READY", "REASON", "MODEL", "SERVERS", "GATEWAYS", "URL", "AGE")
# So wide at least, that rows printed one after the other stand in columns.
WIDTHS: Final = (10, 7, 18, 13, 7, 8, 22, 3)
UP_AND_CLEAR: Final = "\x1b[{}F\x1b[J"
MINUTE: Final = 60
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR


class Table:
    """Prints to a terminal a table that is drawn again in place, to anything else the rows that changed."""

    def __init__(self, store: Store, clock: Callable[[], datetime], out: TextIO, *, live: bool) -> None:
        """`live`: `out` is a terminal that can move its cursor."""
        self._store = store
        self._clock = clock
        self._out = out
        self._live = live
        self._drawn = 0
        self._shown: dict[str, tuple[str, ...]] = {}

    def say(self, line: str) -> None:
        """Print a line above the table."""
        self._erase()
        self._out.write(f"{line}\n")
        self._draw()
        self._out.flush()

    def end(self, line: str) -> None:
        """Print the table for the last time, and a line below it."""
        self.show()
        self._drawn = 0
        self._live = False
        self._out.write(f"{line}\n")
        self._out.flush()

    def show(self) -> None:
        """Print what changed since the last time."""
        if self._live:
            self._erase()
            self._draw()
        else:
            self._append()
        self._out.flush()

    def _append(self) -> None:
        services = {s["metadata"]["uid"]: s for s in self._store.select(OCR_SERVICE) if s.get("status")}
        rows = {uid: _row(service, self._clock()) for uid, service in services.items()}
        # Age changes always, and so is no change.
        fresh = {uid: row for uid, row in rows.items() if self._shown.get(uid, ())[:-1] != row[:-1]}
        if fresh:
            lines = _align([HEAD, *fresh.values()], WIDTHS)
            self._out.write("".join(f"{line}\n" for line in (lines if not self._shown else lines[1:])))
            for uid in fresh:
                self._out.write("".join(f"  {line}\n" for line in _message(services[uid])))
        self._shown = rows

    def _draw(self) -> None:
        if not self._live:
            return
        services = list(self._store.select(OCR_SERVICE))
        lines = _align([HEAD, *(_row(service, self._clock()) for service in services)])
        lines += [f"{s['metadata']['name']}: {line}" for s in services for line in _message(s)]
        # A line that the terminal wraps would be two to erase.
        width = shutil.get_terminal_size().columns
        lines = [
            piece for line in lines for piece in textwrap.wrap(line, width, drop_whitespace=False) or [""]
        ]
        self._out.write("".join(f"{line}\n" for line in lines))
        self._drawn = len(lines)

    def _erase(self) -> None:
        if self._drawn:
            self._out.write(UP_AND_CLEAR.format(self._drawn))
            self._drawn = 0


def _row(service: Manifest, now: datetime) -> tuple[str, ...]:
    metadata, status = service["metadata"], service.get("status") or {}
    ready = _ready(status)
    pods = {component["name"]: component["summary"] for component in status.get("components", ())}
    return (
        metadata["name"],
        ready.get("status", "Unknown"),
        ready.get("reason", ""),
        status.get("model", {}).get("name", ""),
        pods.get(MODEL_SERVER, ""),
        pods.get(GATEWAY, ""),
        status.get("address", {}).get("url", ""),
        age(now - datetime.fromisoformat(metadata["creationTimestamp"]).astimezone(UTC)),
    )


def _ready(status: dict[str, Any]) -> dict[str, Any]:
    return next((c for c in status.get("conditions", ()) if c["type"] == "Ready"), {})


def _message(service: Manifest) -> list[str]:
    """Why a service is not (fully) well."""
    status = service.get("status") or {}
    told = {c["type"]: c for c in status.get("conditions", ())}
    for kind, good in (("Ready", "True"), ("Stalled", "False")):
        if kind in told and told[kind]["status"] != good:
            return str(told[kind]["message"]).splitlines()
    return []


def age(elapsed: Any) -> str:
    """A duration as kubectl prints it, in brief."""
    seconds = max(int(elapsed.total_seconds()), 0)
    for unit, name in ((DAY, "d"), (HOUR, "h"), (MINUTE, "m")):
        if seconds >= 2 * unit:
            return f"{seconds // unit}{name}"
    return f"{seconds}s"


def _align(rows: Sequence[Sequence[str]], least: Sequence[int] = (0,) * len(HEAD)) -> list[str]:
    widths = [max(width, *(len(row[column]) for row in rows)) for column, width in enumerate(least)]
    return ["   ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows]
