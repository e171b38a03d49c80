"""One seed: play its schedule, heal, wait until all is right, and see that then all is quiet."""

import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import httpx

from ocr_operator.cluster.port import ClusterError
from tests.chaos.faults import FAULTS, is_write
from tests.chaos.judge import problems
from tests.chaos.scene import Scene
from tests.chaos.schedule import Schedule
from tests.cluster.controlplane import ControlPlane
from tests.cluster.fixtures import new_namespace
from tests.support.faultproxy import FaultProxy, Rule

# A CRD that comes back is followed by the garbage collector only after half a minute.
CONVERGE_SECONDS: Final = 90.0
# Longer than the time after which a service that moves is looked at again.
QUIET_SECONDS: Final = 4.0
LOOK_SECONDS: Final = 0.3
KILL_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a seed.

    `faults` are those that struck, of so many that were `drawn`; the others found no call to strike.
    `seconds` from the end of the faults until all was right; `took` seconds in all.
    """

    seed: int
    crew: str
    faults: tuple[str, ...]
    drawn: int
    seconds: float
    took: float
    restarts: int
    writes: int
    problems: tuple[str, ...] = ()
    log: str = ""

    def dump(self) -> dict[str, Any]:
        """As JSON data."""
        return asdict(self)


def play(schedule: Schedule, plane: ControlPlane) -> Result:
    """Play it in a namespace of its own."""
    started = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="kubeocr-chaos-") as folder,
        new_namespace(plane.kubectl) as namespace,
        FaultProxy(plane.kubeconfig, Path(folder)) as proxy,
    ):
        scene = Scene(plane, proxy, namespace, Path(folder), schedule)
        try:
            return replace(_play(schedule, scene), took=round(time.monotonic() - started, 2))
        finally:
            scene.end()


def _play(schedule: Schedule, scene: Scene) -> Result:
    acts: dict[str, Callable[..., None]] = {
        name: getattr(scene, name)
        for name in ("create", "edit", "scale", "annotate", "delete", "rob", "drift")
    }
    scene.begin()
    caused: list[tuple[str, Rule | None]] = []
    for step in schedule.steps:
        scene.rest(step.pause)
        if step.is_fault:
            caused.append((step.what, FAULTS[step.what](scene, **step.details)))
        else:
            acts[step.what](**step.details)
    _await_kills(scene, caused)
    scene.heal()
    healed = time.monotonic()
    wrong = _until_right(scene)
    seconds = time.monotonic() - healed
    wrong += scene.witness.wrongs
    if not wrong:
        wrong = _disquiet(scene)
    return Result(
        seed=schedule.seed,
        crew=schedule.crew,
        faults=tuple(name for name, rule in caused if rule is None or rule.hits),
        drawn=len(caused),
        seconds=round(seconds, 2),
        took=0.0,
        restarts=scene.operators.restarts,
        writes=sum(call.is_operator and is_write(call) for call in scene.proxy.calls),
        problems=tuple(wrong),
        log=scene.operators.said() if wrong else "",
    )


def _await_kills(scene: Scene, caused: Iterable[tuple[str, Rule | None]]) -> None:
    """Let operators write until those that are to be killed after a write are, or have no more to write."""
    kills = [rule for name, rule in caused if name == "kill" and rule is not None]
    deadline = time.monotonic() + KILL_SECONDS
    while not all(rule.hits for rule in kills) and time.monotonic() < deadline:
        scene.rest(LOOK_SECONDS)


def _until_right(scene: Scene) -> list[str]:
    """What is wrong after all patience; nothing as soon as nothing is."""
    deadline = time.monotonic() + CONVERGE_SECONDS
    while True:
        try:
            wrong = problems(scene)
        except (httpx.HTTPError, ClusterError) as error:
            wrong = [f"the apiserver does not answer: {error}"]
        if not wrong or time.monotonic() > deadline:
            return wrong
        scene.rest(LOOK_SECONDS)


def _disquiet(scene: Scene) -> list[str]:
    """Writes of the operator while nothing happens, and what is wrong after it."""
    # The last events of the children are still on their way.
    scene.rest(1.5)
    before = len(scene.proxy.calls)
    scene.rest(QUIET_SECONDS)
    late = [call for call in scene.proxy.calls[before:] if call.is_operator and is_write(call)]
    return [f"written at rest: {call.method} {call.path}" for call in late] + problems(scene)
