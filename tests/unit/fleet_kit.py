"""Made-up figures of a fleet of services."""

import math

from tests.bench.fleet.measures import OPERATOR, Figures, Rest, Wave


def fleet(
    services: int,
    *,
    commit: str = "abc",
    processor: str = "fast",
    seconds: float = 20.0,
    peak_rss_mib: float = 110.0,
) -> Figures:
    """One whose restart took no time that could be measured."""
    wave = Wave(seconds, 200.0, 0.2, 0.9, 0.01, {OPERATOR: 4.0}, 2400, 1300, {"create services": 200})
    none = Wave(2.0, 0.0, math.nan, math.nan, math.nan, {OPERATOR: 0.1}, 0, 0, {})
    rest = Rest(60.0, 0.2, 0, 0, 0.01, 80.0, 90.0)
    return Figures(services, commit, processor, 70.0, peak_rss_mib, wave, rest, none, wave, wave, 3.0, 0.0)
