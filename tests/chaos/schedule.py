"""What happens in one seed, drawn from it: acts of users, faults, and the pauses between them. Pure."""

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

# How many operators there are: one; a pair of one version or of two, of which the Lease lets one work; or, by
# a mistake of their user, two versions without a Lease.
Crew = Literal["one", "pair", "versions", "rivals"]
CREWS: Final[dict[Crew, int]] = {"one": 7, "pair": 1, "versions": 1, "rivals": 1}
NAMES: Final = ("invoices", "letters", "orders")
PAUSES: Final = (0.0, 0.05, 0.2, 0.5, 1.5)
COMPONENTS: Final = ("gateway", "model-server")
ROBBED: Final = ("deployments", "services", "poddisruptionbudgets", "networkpolicies", "serviceaccounts")

# What is drawn for a fault.
DETAILS: Final[dict[str, dict[str, Sequence[Any]]]] = {
    "refuse": {"code": (409, 429, 500, 504), "which": ("writes", "reads", "status"), "times": range(1, 7)},
    "lose": {"times": range(1, 6)},
    "late": {"times": range(1, 6)},
    "reset": {"which": ("writes", "reads"), "times": range(1, 7)},
    "slow": {"seconds": (0.2, 0.5, 1.0), "times": range(3, 21)},
    "silent": {"seconds": (0.5, 1.5, 3.0)},
    "stale": {"times": range(2, 13)},
    "unauthorised": {"times": range(1, 6)},
    "compact": {"times": range(1, 6)},
    "kill": {"after": range(1, 15)},
    "pause": {"seconds": (0.5, 1.5, 3.0)},
    "clock": {"seconds": (-86_400.0, -600.0, 600.0, 86_400.0)},
}
# Weights: what takes long to get over is rarer.
ACTS: Final = {"edit": 6, "scale": 3, "delete": 3, "create": 4, "rob": 3, "drift": 3, "annotate": 1}
FAULTS: Final = {
    "refuse": 6,
    "lose": 3,
    "late": 2,
    "reset": 2,
    "slow": 2,
    "silent": 1,
    "stale": 1,
    "unauthorised": 2,
    "compact": 2,
    "drop": 2,
    "kill": 5,
    "pause": 2,
    "clock": 2,
    "apiserver": 1.2,
    "etcd": 1.2,
    "older-crd": 1,
    "replace-crd": 0.4,
    "steal": 1.5,
}
SETTLING: Final = 5.0


@dataclass(frozen=True, slots=True)
class Step:
    """After a pause in seconds, an act or a fault with its details."""

    pause: float
    what: str
    details: dict[str, Any]

    def __str__(self) -> str:
        """One line."""
        return f"+{self.pause:<4} {self.what} {json.dumps(self.details) if self.details else ''}".rstrip()

    @property
    def is_fault(self) -> bool:
        """Whether no user did it."""
        return self.what in FAULTS


@dataclass(frozen=True, slots=True)
class Schedule:
    """One seed's story."""

    seed: int
    crew: Crew
    steps: tuple[Step, ...]

    def __str__(self) -> str:
        """A line each step."""
        return "\n".join([f"seed {self.seed}, operators: {self.crew}", *(f"  {step}" for step in self.steps)])

    @property
    def faults(self) -> tuple[str, ...]:
        """The kinds of faults in it."""
        return tuple(step.what for step in self.steps if step.is_fault)

    @property
    def is_blind(self) -> bool:
        """Whether a change may stay unseen until the next look at everything.

        Without a Lease each of two operators takes the other's status for its own.
        """
        return self.crew == "rivals" or not {"silent", "stale"}.isdisjoint(self.faults)


def draw(seed: int) -> Schedule:
    """The schedule of a seed, always the same."""
    dice = random.Random(seed)  # noqa: S311 - it shall be repeatable
    crew = _pick(dice, CREWS)
    kinds = ["act"] * dice.randint(5, 9) + ["fault"] * dice.randint(2, 4)
    dice.shuffle(kinds)
    users = _Users(dice, canaries=crew != "rivals")
    faults = {
        name: weight for name, weight in FAULTS.items() if name != "steal" or crew in ("pair", "versions")
    }
    steps = [users.first()]
    if dice.random() < 0.3:
        # Let the first service settle, so that the rest meets one that runs.
        steps.append(Step(SETTLING, *users.act()))
    for kind in kinds:
        pause = dice.choice(PAUSES)
        if kind == "act":
            steps.append(Step(pause, *users.act()))
        else:
            name = _pick(dice, faults)
            steps.append(Step(pause, name, dict(_details(dice, name))))
    return Schedule(seed, crew, tuple(steps))


def _pick(dice: random.Random, weights: Mapping[Any, float]) -> Any:
    return dice.choices(list(weights), list(weights.values()))[0]


class _Users:
    """What users may do next, by what they have done."""

    def __init__(self, dice: random.Random, *, canaries: bool) -> None:
        self._dice = dice
        self._canaries = canaries
        # What has been edited of each that lives.
        self._living: dict[str, set[str]] = {}

    def first(self) -> Step:
        return Step(0.0, "create", self._create(NAMES[0]))

    def act(self) -> tuple[str, dict[str, Any]]:
        lacking = [name for name in NAMES if name not in self._living]
        if not self._living or (lacking and self._dice.random() < 0.15):
            return "create", self._create(self._dice.choice(lacking))
        what = _pick(self._dice, {name: weight for name, weight in ACTS.items() if name != "create"})
        service = self._dice.choice(sorted(self._living))
        match what:
            case "edit":
                return what, {"service": service, "spec": self._edit(service)}
            case "scale":
                return what, {"service": service, "replicas": self._dice.randint(2, 4)}
            case "delete":
                del self._living[service]
                return what, {"service": service}
            case "annotate":
                return what, {"service": service, "value": str(self._dice.randint(0, 99))}
        component = self._dice.choice(COMPONENTS)
        return what, {"kind": self._dice.choice(ROBBED), "service": service, "component": component}

    def _create(self, name: str) -> dict[str, Any]:
        self._living[name] = set()
        return {
            "service": name,
            "spec": self._dice.choice(({}, {"gateway": {"replicas": 3}}, self._edit(name))),
        }

    def _edit(self, service: str) -> dict[str, Any]:
        """Another value; never a new revision that a canary has to try, for no gateway measures here."""
        edits: list[dict[str, Any]] = [
            {"gateway": {"replicas": self._dice.randint(2, 4)}},
            {"expose": {"service": {"port": self._dice.choice((80, 8080))}}},
            {"gateway": {"podAnnotations": {"example.com/note": str(self._dice.randint(10, 99))}}},
            {"networkPolicy": {"mode": self._dice.choice(("Isolated", "Disabled"))}},
            {"suspend": self._dice.random() < 0.5},
        ]
        done = self._living[service]
        if "rollout" not in done:
            edits.append({"modelServer": {"runtime": {"maxQueue": self._dice.randint(32, 99)}}})
        if "modelServer" not in done and self._canaries:
            edits.append({"rollout": {"strategy": self._dice.choice(("Canary", "RollingUpdate"))}})
        edit = self._dice.choice(edits)
        done.update(edit)
        return edit


def _details(dice: random.Random, fault: str) -> Iterator[tuple[str, Any]]:
    for name, values in DETAILS.get(fault, {}).items():
        yield name, dice.choice(values)


def kept_seeds() -> list[int]:
    """Those of seeds.txt."""
    lines = Path(__file__).with_name("seeds.txt").read_text().splitlines()
    return [int(line.split()[0]) for line in lines if not line.startswith("#")]
