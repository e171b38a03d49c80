"""How late the event loop is: what blocks it delays watches, lease and probes alike."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from ocr_operator.runtime.queue import loop_time

PERIOD_SECONDS: Final = 1.0


async def measure_lag(report: Callable[[float], None]) -> None:
    """Report once a second by how much the sleep was too long, until cancelled."""
    while True:
        started = loop_time()
        await asyncio.sleep(PERIOD_SECONDS)
        report(max(0.0, loop_time() - started - PERIOD_SECONDS))
