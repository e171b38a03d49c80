"""A few seeds of `make chaos`: users and faults by the dice, and in the end all is right."""

from collections.abc import Iterator

import pytest

from tests.chaos.play import play
from tests.chaos.schedule import draw, kept_seeds
from tests.cluster.controlplane import ControlPlane
from tests.component.conftest import install_crds


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    """A control plane whose apiserver and etcd may be killed."""
    with ControlPlane(rate=300) as plane:
        install_crds(plane)
        yield plane


@pytest.mark.parametrize("seed", kept_seeds())
def test_whatever_happens_all_is_right_in_the_end(plane: ControlPlane, seed: int) -> None:
    schedule = draw(seed)
    print(schedule)
    result = play(schedule, plane)
    print(result.log)
    assert result.problems == ()
