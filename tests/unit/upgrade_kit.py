"""Services that follow new versions, in a world where only what the line decides by is played."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ocr_operator.desired.plan import operand_version
from ocr_operator.desired.upgrades import is_upgrading, member
from ocr_operator.models.operands import Operands
from ocr_operator.models.service import Key, OCRService, parse
from ocr_operator.models.status import Status, VersionStatus
from ocr_operator.runtime.fleet import Fleet
from ocr_operator.status.judge import departing
from tests.unit.samples import NOW, OPERANDS

AUTO = {"upgradePolicy": "Auto"}
# What status says, as (Ready, its reason, Reconciling, Stalled).
SERVING = ("True", "Serving", "False", "False")
ROLLING = ("True", "Serving", "True", "False")
STALLED = ("True", "ServingPreviousRevision", "False", "True")
UNREACHABLE = ("False", "AddressPending", "False", "False")
SCALED_TO_ZERO = ("False", "ScaledToZero", "False", "False")
STATES = (SERVING, ROLLING, STALLED, UNREACHABLE, SCALED_TO_ZERO)


def key(name: str) -> Key:
    """`team/name`, or `name` in the namespace `papers`."""
    namespace, _, rest = name.rpartition("/")
    return Key(namespace or "papers", rest)


def service(
    name: str,
    version: str = "0.1.0",
    state: tuple[str, str, str, str] = SERVING,
    spec: Mapping[str, Any] = AUTO,
    *,
    upgrading: bool = False,
    generation: int = 1,
) -> OCRService:
    """A service that the operator has looked at."""
    ready, reason, reconciling, stalled = state
    words = {"lastTransitionTime": "2026-01-01T00:00:00Z", "observedGeneration": generation, "message": ""}
    moves = "Upgrading" if upgrading else "Said"
    conditions = [
        {"type": "Ready", "status": ready, "reason": reason, **words},
        {"type": "Reconciling", "status": reconciling, "reason": moves, **words},
        {"type": "Stalled", "status": stalled, "reason": "Said", **words},
    ]
    where = key(name)
    return parse(
        {
            "metadata": {"name": where.name, "namespace": where.namespace, "generation": generation},
            "spec": dict(spec),
            "status": {
                "observedGeneration": generation,
                "conditions": conditions,
                "version": {"operand": version, "operator": "0.1.0"},
            },
        }
    )


def finish(reconcile: Iterator[None]) -> None:
    """Let a reconcile run to its end."""
    for _ in reconcile:
        pass


class World:
    """Stored services, one operator process and its queue; reconciles may be cut where the real one waits.

    `travellers` are those that have set out for another version and were not found well since.
    """

    def __init__(self, services: Iterable[OCRService], operands: Operands = OPERANDS) -> None:
        self.stored = {each.key: each for each in services}
        self.travellers = {
            each.key for each in self.stored.values() if is_upgrading(each) and not each.spec.suspend
        }
        self.moved: list[str] = []
        self.start(operands)

    def start(self, operands: Operands) -> None:
        """A new process: it knows nothing, and looks at everything."""
        self.operands = operands
        self.queue: deque[Key] = deque(self.stored)
        self.fleet = Fleet(self.queue.append)
        self.fleet.expect(self.stored)

    def reconcile(self, key: Key, arrives: tuple[str, str, str, str] | None = SERVING) -> Iterator[None]:
        """One reconcile, which rests where the real one talks to the API.

        `arrives`: as what it finds the service in the end; None for as what it is stored.
        """
        found = self.stored[key]
        self.fleet.meet(key, member(found, self.operands))
        yield
        if self.fleet.claim(key):
            assert not self.travellers - {key}, f"{key} sets out beside {self.travellers}"
            version = VersionStatus(operand=self.operands.newest, operator="0.1.0")
            yield
            found = self._store(found, departing(found.status, version, NOW))
            if self.stored[key].spec == found.spec:
                self.travellers.add(key)
            self.moved.append(str(key))
        yield
        if arrives is not None:
            judged = service(
                str(key),
                operand_version(found, self.operands),
                arrives,
                upgrading=is_upgrading(found),
                generation=found.metadata.generation,
            )
            found = self._store(found, judged.status)
            if arrives in (SERVING, SCALED_TO_ZERO):
                self.travellers.discard(key)
        yield
        self.fleet.see(key, member(found, self.operands))

    def look_at_all(self) -> None:
        """Each has a reconcile that finds it as it is stored."""
        for key in self.stored:
            finish(self.reconcile(key, None))

    def edit(self, key: Key, spec: Mapping[str, Any]) -> None:
        """The user writes another spec; who does not follow any more is nobody's traveller."""
        old = self.stored[key]
        generation = old.metadata.generation + 1
        body = {"metadata": old.metadata.model_dump() | {"generation": generation}, "spec": dict(spec)}
        self.stored[key] = parse(body).model_copy(update={"status": old.status})
        if spec != AUTO:
            self.travellers.discard(key)

    def work(self) -> None:
        """Reconcile what the queue has until it is empty."""
        while self.queue:
            finish(self.reconcile(self.queue.popleft()))

    def _store(self, found: OCRService, status: Status) -> OCRService:
        """Write a status; the spec may have changed meanwhile."""
        self.stored[found.key] = self.stored[found.key].model_copy(update={"status": status})
        return found.model_copy(update={"status": status})
