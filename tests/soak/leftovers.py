"""What gateways and model servers still hold once all clients have gone: nothing."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

from tests.cluster.kubectl import CommandError
from tests.e2e.world import World

# Of these programs' own gauges, those that count what is at work.
HELD = re.compile(
    r"^(ocr_(?:gateway_(?:requests_held|body_bytes_held|pages_waiting|jobs_waiting|jobs_running)"
    r"|model_(?:queue_depth|workers_busy|image_bytes_held|pixels_held)))\{[^}]*\} (\S+)$",
    re.MULTILINE,
)
PORT = 8080
SECONDS = 30.0


def leftovers(service: World) -> list[str]:
    """What is held when it should long have been let go."""
    until = time.monotonic() + SECONDS
    while (held := list(_held(service))) and time.monotonic() < until:
        time.sleep(1)
    return held


def _held(service: World) -> Iterator[str]:
    for pod in service.pods():
        path = f"/api/v1/namespaces/{service.kubectl.namespace}/pods/{pod}:{PORT}/proxy/metrics"
        try:
            found = HELD.findall(service.kubectl.run("get", f"--raw={path}"))
        except CommandError as error:
            yield f"{pod} does not tell what it holds: {error}"
            continue
        if not found:
            yield f"{pod} tells nothing of what it holds"
        yield from (f"{pod} still has {name} {value}" for name, value in found if float(value))
