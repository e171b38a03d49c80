"""A small fleet through its life, by `tests.bench.fleet`: what it promises beside the times."""

from collections.abc import AsyncIterator

import pytest

from tests.bench.fleet.measures import Figures, fleet

SERVICES = 20
# Ten children, the status twice and an Event; and once more where pods come up a second apart.
WRITES_A_SERVICE = 14


@pytest.fixture(scope="module")
async def small_fleet() -> AsyncIterator[Figures]:
    """What was measured of it: made at once, left alone, operator restarted, edited, robbed, deleted."""
    async with fleet(SERVICES) as measured:
        yield await measured.measure(rest_seconds=10)


async def test_a_service_becomes_ready_by_few_writes_and_hardly_more_than_two_looks(
    small_fleet: Figures,
) -> None:
    assert small_fleet.create.writes <= WRITES_A_SERVICE * SERVICES, small_fleet.create.calls
    assert small_fleet.create.reconciles <= 4 * SERVICES


async def test_a_fleet_at_rest_is_not_written(small_fleet: Figures) -> None:
    assert small_fleet.rest.writes == 0


async def test_a_restarted_operator_looks_at_all_and_asks_for_no_change(small_fleet: Figures) -> None:
    assert small_fleet.restart.reconciles >= SERVICES
    assert small_fleet.restart.reads >= SERVICES
    assert small_fleet.restart.writes == 0, small_fleet.restart.calls
