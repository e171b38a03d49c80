"""The operators of one seed, looked after as a kubelet would: one that ended is started again."""

import json
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import yaml

from tests.chaos.schedule import Crew
from tests.support.process import OPERANDS, Operator

OLD, NEW = "0.1.0", "0.2.0"
# A fifth of the ordinary times, so that a lease runs out within a seed.
LEASE: Final = {"duration_seconds": 3.0, "renew_seconds": 2.0, "retry_seconds": 0.4, "look_seconds": 0.2}
BLIND_RESYNC_SECONDS: Final = 4.0


def bundle(folder: Path) -> Path:
    """The operands of a newer operator: one more version, which is the default."""
    operands = yaml.safe_load(OPERANDS.read_text())
    (version,) = operands["versions"]
    path = folder / "operands.yaml"
    path.write_text(json.dumps({"default": NEW, "versions": [version, {**version, "version": NEW}]}))
    return path


@dataclass
class Post:
    """A place for an operator: its settings, and who fills it now."""

    settings: dict[str, Any]
    operator: Operator


class Operators:
    """All operators of a seed."""

    def __init__(self, kind: Crew, kubeconfig: Path, folder: Path, namespace: str, *, blind: bool) -> None:
        """Start them. `blind`: faults may hide changes from them, so they look at everything often."""
        self._kubeconfig, self._folder, self._namespace = kubeconfig, folder, namespace
        self._clock = folder / "clock"
        self.restarts = 0
        self.logs: list[Path] = []
        newer: dict[str, Any] = {"version": NEW, "operands": str(bundle(folder))}
        elected: dict[str, Any] = {"leader_elect": True, "lease_timing": LEASE}
        crews: dict[Crew, list[dict[str, Any]]] = {
            "one": [{}],
            "pair": [elected, elected],
            "versions": [elected, elected | newer],
            "rivals": [{}, newer],
        }
        common: dict[str, Any] = {"clock": str(self._clock)}
        if blind:
            common["resync_seconds"] = BLIND_RESYNC_SECONDS
        self._posts = [self._post(common | settings) for settings in crews[kind]]

    def _post(self, settings: dict[str, Any]) -> Post:
        return Post(settings, self._start(settings))

    def _start(self, settings: dict[str, Any]) -> Operator:
        operator = Operator(self._kubeconfig, self._folder, self._namespace, **settings)
        self.logs.append(operator.log)
        return operator

    @property
    def operands(self) -> Path:
        """The bundle of the newest of them."""
        return Path(self._posts[-1].settings.get("operands", OPERANDS))

    @property
    def version(self) -> str:
        """That of the newest of them."""
        return str(self._posts[-1].settings.get("version", OLD))

    def tend(self) -> None:
        """Start again who has ended."""
        for post in self._posts:
            if not post.operator.running():
                self.restarts += 1
                post.operator = self._start(post.settings)

    def ready(self) -> bool:
        """Whether one of them works."""
        return any(post.operator.answers("/readyz") == httpx.codes.OK for post in self._posts)

    def kill(self) -> None:
        """Kill -9 of all."""
        for post in self._posts:
            post.operator.kill()

    def pause(self) -> None:
        """Stop the process of the first one, as a machine does that is short of CPU or is moved."""
        self._posts[0].operator.signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._posts[0].operator.signal(signal.SIGCONT)

    def shift_clock(self, seconds: float) -> None:
        """Their wall clock is wrong by so much from now on."""
        self._clock.write_text(str(seconds))

    def retire(self) -> None:
        """End the older ones in order, as an upgrade does."""
        while len(self._posts) > 1:
            self._posts.pop(0).operator.stop()

    def end(self) -> None:
        """Kill all."""
        for post in self._posts:
            post.operator.kill()

    def said(self, lines: int = 30) -> str:
        """The ends of their logs."""
        return "\n".join(
            f"--- {log.name}\n" + "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
            for log in self.logs
        )
