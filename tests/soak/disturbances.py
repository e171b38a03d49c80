"""What happens to the service and its operator while clients send."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.cluster.errors import ClusterError
from tests.e2e.platform import Platform
from tests.e2e.world import NAME, World, eventually

SETTLED_SECONDS = 240.0
# Between two of them the service is at peace: what breaks then was not the disturbance.
PEACE_SECONDS = 3.0


@dataclass
class Stage:
    """The service and its operator, what the spec is now, what was done to them and what did not succeed."""

    world: World
    platform: Platform
    spec: dict[str, Any]
    done: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def do(self, name: str, act: Callable[[Stage], None]) -> None:
        """One disturbance; a service that does not get over it is a fault of the run, not its end."""
        self.done.append(name)
        try:
            act(self)
        except (AssertionError, ClusterError) as error:
            self.failures.append(f"{name}: {error}")

    def edit(self, part: str, **changes: Any) -> None:
        """Change members of a part of the spec for good, and wait until it runs everywhere."""
        self.spec = {**self.spec, part: {**self.spec[part], **changes}}
        self.world.apply(**self.spec)
        self.world.settle(SETTLED_SECONDS)

    def scale(self, *several: int) -> None:
        """As `kubectl scale` does, to one number of model servers after the other."""
        for replicas in several:
            self.world.kubectl.run("scale", f"ocrservice/{NAME}", f"--replicas={replicas}")
            self._counts(replicas)
            self.world.settle(SETTLED_SECONDS)

    def _counts(self, replicas: int) -> None:
        def is_so() -> bool:
            return len(self.world.pods("model-server")) == replicas

        eventually(is_so, f"{replicas} model servers", SETTLED_SECONDS)

    def restart(self, component: str) -> None:
        """As `kubectl rollout restart` does."""
        deployment = f"deployment/{NAME}-{component}"
        self.world.kubectl.run("rollout", "restart", deployment)
        self.world.kubectl.run("rollout", "status", deployment, "--timeout=180s", seconds=190)

    def end_one(self, component: str, *flags: str) -> None:
        """Delete a pod of a component, and wait until it is replaced."""
        before = self.world.pods(component)
        first = min(before)
        self.world.kubectl.run("delete", "pod", first, "--wait=false", *flags)

        def is_replaced() -> bool:
            now = self.world.pods(component)
            return first not in now and len(now) == len(before)

        eventually(is_replaced, f"{first} is replaced", SETTLED_SECONDS)
        self.world.settle(SETTLED_SECONDS)

    def drop_child(self) -> None:
        """Delete what the operator has to put back."""
        budget = f"poddisruptionbudget/{NAME}-gateway"
        self.world.kubectl.run("delete", budget)
        eventually(lambda: self.world.exists(budget), f"{budget} is back", SETTLED_SECONDS)

    def end_operator(self) -> None:
        """Kill it: another pod takes over."""
        self.platform.kubectl.run("delete", "pods", "--all", "--grace-period=0", "--force")
        self.platform.kubectl.run("rollout", "status", "deployment/ocr-operator", "--timeout=120s")


FORCE = ("--grace-period=0", "--force")
# Those that replace pods, and those that leave the pods of the service and the operator's alone.
ROUGH: Mapping[str, Callable[[Stage], None]] = {
    "model servers restarted": lambda stage: stage.restart("model-server"),
    "gateways restarted": lambda stage: stage.restart("gateway"),
    "a model server killed": lambda stage: stage.end_one("model-server", *FORCE),
    "a gateway's pod deleted": lambda stage: stage.end_one("gateway"),
    "the operator killed": lambda stage: stage.end_operator(),
    "model servers edited": lambda stage: stage.edit(
        "modelServer", env=[{"name": "EDIT", "value": str(len(stage.done))}]
    ),
    "gateways edited": lambda stage: stage.edit("gateway", podLabels={"edit": str(len(stage.done))}),
    "scaled to 1 and back to 2": lambda stage: stage.scale(1, 2),
}
MILD: Mapping[str, Callable[[Stage], None]] = {
    "scaled to 3 and back to 2": lambda stage: stage.scale(3, 2),
    "a child deleted": lambda stage: stage.drop_child(),
}


def disturb(stage: Stage, seed: int, seconds: float) -> None:
    """All of them in the order of the seed, again and again: the rough ones in the first half of the time.

    In the second half pods live long enough to see whether they grow. One that has begun ends in its time.
    """
    rng = random.Random(seed)  # noqa: S311 - wanted: repeatable
    started = time.monotonic()
    for share, kinds in ((0.5, ROUGH), (1.0, MILD)):
        for name in _shuffled(rng, kinds):
            if time.monotonic() - started > share * seconds:
                break
            stage.do(name, kinds[name])
            time.sleep(PEACE_SECONDS)
    time.sleep(max(0.0, started + seconds - time.monotonic()))


def _shuffled(rng: random.Random, kinds: Mapping[str, object]) -> Iterator[str]:
    while True:
        yield from rng.sample(sorted(kinds), len(kinds))
