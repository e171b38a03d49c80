"""Which services are simulated beyond the one that is measured."""

import math
from collections.abc import Iterator
from dataclasses import replace

from kubeocr.retries import Retries
from tests.bench.scaling.autoscaler import Aim
from tests.bench.scaling.measured import SmallEnd
from tests.bench.scaling.scenario import Phase, Scenario

# A gateway's processor is full at about 1 / REQUEST_SECONDS; it is planned for half of that.
REQUEST_SECONDS = 0.005
PAGES_PER_GATEWAY = 100.0
SIZES = (1, 10, 100, 1000)
SHARE = 0.8
BASE_SHARE = 0.6
BURST = 10
BURST_SECONDS = 240.0


def small(end: SmallEnd, seconds: float) -> Iterator[Scenario]:
    """What was measured, simulated."""
    for name, share in (("80 %", SHARE), ("200 %", 2.0)):
        yield _service(end, 1, 1, name, (Phase(share * end.capacity, seconds),))


def sizes(end: SmallEnd) -> Iterator[Scenario]:
    """More and more model servers at 80 % of what they can take, for about as many pages each time."""
    for servers in SIZES:
        rate = SHARE * servers * end.capacity
        seconds = min(3600.0, max(30.0, 5000 / rate))
        yield _service(end, servers, gateways(rate), f"{servers}", (Phase(rate, seconds),))


def bursts(end: SmallEnd, servers: int) -> Iterator[Scenario]:
    """Ten times the load of `servers` that had enough of it, out to ten times the servers."""
    calm = BASE_SHARE * servers * end.capacity
    phases = (Phase(calm, 60.0), Phase(BURST * calm, BURST_SECONDS), Phase(calm, 60.0))
    service = _service(end, servers, gateways(BURST * calm), "", phases)
    service = replace(service, retries=Retries())
    for metric, target in (("CPU", 70.0), ("QueueDepth", 2.0)):
        for start in (10.0, 90.0):
            aim = Aim(metric, target, start, servers, BURST * servers)  # type: ignore[arg-type]
            yield replace(service, name=f"{metric} {target:g}, pods ready in {start:g} s", aim=aim)
    yield replace(service, name="ten times the servers from the start", servers=BURST * servers)
    yield replace(
        service,
        name="the same with a tenth of the gateways",
        servers=BURST * servers,
        gateways=gateways(calm),
    )


def gateways(rate: float) -> int:
    """Enough for so many pages a second."""
    return math.ceil(rate / PAGES_PER_GATEWAY)


def _service(end: SmallEnd, servers: int, doors: int, name: str, phases: tuple[Phase, ...]) -> Scenario:
    return Scenario(name, servers, doors, end.threads, end.pages, REQUEST_SECONDS, phases)
