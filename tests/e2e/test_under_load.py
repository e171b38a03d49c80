"""What happens to pods while clients send pages, one connection each, as curl does: no request is lost."""

from __future__ import annotations

import pytest

from tests.e2e.world import NAME, SPEC, World, eventually, sample

REQUESTS = 10_000
SMALL = sample("4711", 16)  # the less a page costs, the more of them are under way in a roll-out


def roll(service: World, component: str) -> None:
    """Replace every pod of a component, as `kubectl rollout restart` does."""
    deployment = f"deployment/{NAME}-{component}"
    service.kubectl.run("rollout", "restart", deployment)
    service.kubectl.run("rollout", "status", deployment, "--timeout=180s", seconds=190)


def end_one(service: World, component: str, *flags: str) -> None:
    """Delete a pod of a component, and wait until there are two again."""
    (first, *_) = service.pods(component)
    service.kubectl.run("delete", "pod", first, *flags)
    eventually(lambda: first not in service.pods() and len(service.pods(component)) == 2, "two pods")
    service.settle()


@pytest.mark.timeout(900)
def test_no_request_of_10000_is_lost_in_roll_outs_scale_downs_and_kills(service: World) -> None:
    with service.traffic(REQUESTS, SMALL) as traffic:
        roll(service, "model-server")
        roll(service, "gateway")
        service.apply(modelServer={**SPEC["modelServer"], "replicas": 1})
        eventually(lambda: len(service.pods("model-server")) == 1, "one model server")
        service.apply()
        service.settle()
        end_one(service, "model-server", "--grace-period=0", "--force")
        end_one(service, "gateway")
    assert traffic.failures == []
    assert traffic.sent >= REQUESTS
