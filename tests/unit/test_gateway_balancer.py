"""Which model server gets the next request, and which are asked whether they are ready."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_gateway.config import HostPort
from ocr_gateway.upstream.balancer import ERRORS_IN_A_ROW, STATES, Balancer
from ocr_gateway.upstream.discovery import PROBES, Discovery
from ocr_gateway.upstream.resolver import Endpoint
from ocr_gateway.upstream.traffic import Split, Undivided

ONE, TWO, THREE = (Endpoint("10.0.0.1", port) for port in (1, 2, 3))


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def balancer(clock: Clock) -> Balancer:
    made = Balancer(clock, random.Random(1))  # noqa: S311 - no secret, and the same choices in every run
    made.update({ONE, TWO})
    return made


async def test_the_less_loaded_of_two_servers_is_chosen(balancer: Balancer) -> None:
    one, two = balancer.replicas
    one.in_flight = 2
    assert {balancer.pick() for _ in range(20)} == {two}


async def test_every_server_is_counted_in_one_state(balancer: Balancer, clock: Clock) -> None:
    def states() -> dict[str, int]:
        return {state: balancer.count(state) for state in STATES if balancer.count(state)}

    one, two = balancer.replicas
    assert states() == {"usable": 2}
    balancer.judged(one, ready=False)
    for _ in range(ERRORS_IN_A_ROW):
        balancer.answered(two, well=False)
    assert states() == {"unready": 1, "failing": 1}
    balancer.failed(two)
    assert states() == {"unready": 1, "ejected": 1}
    clock.now = 60.0
    balancer.update({TWO, THREE})
    assert states() == {"usable": 2}


async def test_a_failed_server_is_left_out_longer_each_time_until_it_answers(
    balancer: Balancer, clock: Clock
) -> None:
    one, two = balancer.replicas
    pauses = []
    for _ in range(6):
        balancer.failed(one)
        assert {balancer.pick() for _ in range(20)} == {two}
        pauses.append(one.ejected_until - clock.now)
        clock.now = one.ejected_until
        assert one in {balancer.pick() for _ in range(50)}
    assert pauses == [0.5, 1, 2, 4, 8, 8]
    balancer.answered(one, well=True)
    balancer.failed(one)
    assert one.ejected_until - clock.now == 0.5


async def test_of_many_servers_the_only_usable_one_is_found(balancer: Balancer, clock: Clock) -> None:
    balancer.update({Endpoint("10.0.0.2", port) for port in range(1, 101)})
    last, *others = balancer.replicas
    for number, other in enumerate(others):
        if number % 2:
            balancer.failed(other)
        else:
            balancer.judged(other, ready=False)
    assert (balancer.usable, balancer.pick(), balancer.pick(exclude={last})) == (1, last, None)
    clock.now = 1.0
    assert balancer.usable == 1 + len(others) // 2


@given(st.lists(st.tuples(st.integers(0, 11), st.sampled_from("FRUAEBGN")), max_size=60), st.randoms())
async def test_the_count_of_usable_servers_is_that_of_their_states(
    events: list[tuple[int, str]], chance: random.Random
) -> None:
    clock = Clock()
    balancer = Balancer(clock, chance)
    everybody = [Endpoint("10.0.0.1", port) for port in range(12)]
    balancer.update(everybody)
    seen = list(balancer.replicas)
    for place, event in events:
        replica = seen[7 * place % len(seen)]
        match event:
            case "F":
                balancer.failed(replica)
            case "R" | "U":
                balancer.judged(replica, ready=event == "R")
            case "A" | "E":
                balancer.answered(replica, well=event == "A")
            case "G" | "B":
                balancer.update(everybody[place:])
                seen += balancer.replicas
            case _:
                clock.now += place / 4
        usable = balancer.count("usable") + balancer.count("failing")
        assert balancer.usable == usable
        assert (balancer.pick() is not None) == (usable > 0)


async def test_in_one_round_so_many_servers_are_asked_and_each_in_its_turn(balancer: Balancer) -> None:
    asked: list[str] = []

    class Ready:
        """A session of servers that are all ready but one."""

        @asynccontextmanager
        async def get(self, url: str, **_: object) -> AsyncIterator[SimpleNamespace]:
            asked.append(url)
            yield SimpleNamespace(status=503 if url.startswith("http://10.0.0.2:7/") else 200)

    servers = {Endpoint("10.0.0.2", port) for port in range(1, 2 * PROBES + 1)}

    class Known:
        async def resolve(self, target: HostPort) -> frozenset[Endpoint]:
            return frozenset(servers)

    split = Split({HostPort("", 8080): 100})
    discovery = Discovery(Undivided(split), Known(), balancer, Ready())  # type: ignore[arg-type]
    await discovery.refresh()
    await discovery.refresh()
    assert (len(asked), len(set(asked))) == (2 * PROBES, 2 * PROBES)
    asked.clear()
    await discovery.refresh()
    await discovery.refresh()
    assert (len(asked), len(set(asked))) == (2 * PROBES, 2 * PROBES - 1)
    assert sum(url.startswith("http://10.0.0.2:7/") for url in asked) == 2


async def test_a_server_that_only_errs_is_the_last_choice_longer_each_time_though_it_is_ready(
    balancer: Balancer, clock: Clock
) -> None:
    one, two = balancer.replicas
    two.in_flight = 5
    for _ in range(4):
        balancer.answered(one, well=False)
    assert balancer.pick() == one
    pauses = []
    for _ in range(6):
        balancer.answered(one, well=False)
        balancer.judged(one, ready=True)
        assert {balancer.pick() for _ in range(20)} == {two}
        assert balancer.pick(exclude={two}) == one
        pauses.append(one.shunned_until - clock.now)
        clock.now = one.shunned_until
        assert balancer.pick() == one
    assert pauses == [0.5, 1, 2, 4, 8, 8]
    balancer.answered(one, well=True)
    balancer.answered(one, well=False)
    assert balancer.pick() == one


async def test_a_server_that_is_not_ready_is_left_out_until_it_is(balancer: Balancer) -> None:
    one, two = balancer.replicas
    balancer.judged(one, ready=False)
    balancer.judged(two, ready=False)
    assert balancer.pick() is None
    assert not balancer.any_ready
    waiting = asyncio.create_task(balancer.wait_for_change(10))
    await asyncio.sleep(0)
    balancer.judged(two, ready=True)
    await waiting
    assert balancer.pick() is two


async def test_what_is_known_of_a_server_survives_an_update(balancer: Balancer) -> None:
    one, _ = balancer.replicas
    one.in_flight = 5
    balancer.update({ONE, THREE})
    assert {replica.endpoint for replica in balancer.replicas} == {ONE, THREE}
    assert one in balancer.replicas
