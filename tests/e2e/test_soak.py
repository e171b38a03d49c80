"""The short form of `make soak`: all kinds of requests while pods are restarted, killed and scaled."""

from __future__ import annotations

import pytest

from tests.e2e.platform import Platform
from tests.e2e.world import World
from tests.soak.run import soak

# A seed by which a model server is killed first, then an edit and a restart of the gateways.
SEED, SECONDS = 178, 90.0


@pytest.mark.timeout(600)
def test_every_request_of_mixed_traffic_is_answered_right_or_refused_for_what_it_is(
    other: World, platform: Platform
) -> None:
    seen = soak(other, platform, SECONDS, SEED)
    print(sorted(seen.ledger.counts.items()))
    assert seen.faults == []
    assert len(seen.disturbances) >= 2
    assert seen.ledger.requests >= 100
