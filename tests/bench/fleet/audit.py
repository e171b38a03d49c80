"""What the operator asked the apiserver for, by the apiserver's own audit log."""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

WRITES: Final = frozenset({"create", "update", "patch", "delete", "deletecollection"})
# Held for two replicas, whatever the number of services.
LEASES: Final = "leases"


class Call(NamedTuple):
    """A kind of request: the verb, an apply that makes an object being `create`, and the resource."""

    verb: str
    resource: str


@dataclass(frozen=True)
class Calls:
    """Requests by kind, without those for the Lease."""

    counts: Counter[Call]

    @property
    def writes(self) -> int:
        """Requests that may change something."""
        return sum(count for call, count in self.counts.items() if call.verb in WRITES)

    @property
    def reads(self) -> int:
        """The others, without watches, which last."""
        return sum(self.counts.values()) - self.writes - self.of("watch")

    def of(self, verb: str) -> int:
        """Requests with that verb."""
        return sum(count for call, count in self.counts.items() if call.verb == verb)


class Audit:
    """The events of one user that were logged since the last look."""

    def __init__(self, log: Path, user: str) -> None:
        """Begin with the log's end as it is now."""
        self._log = log
        self._user = user
        self._at = log.stat().st_size

    def calls(self) -> Calls:
        """What was asked since the last look."""
        counts = Counter[Call]()
        with self._log.open("rb") as lines:
            lines.seek(self._at)
            for line in lines:
                if not line.endswith(b"\n"):
                    break
                self._at += len(line)
                # JSON is only read where it may matter: most of the log is the controllers'.
                if self._user.encode() in line and (call := self._call(json.loads(line))):
                    counts[call] += 1
        return Calls(counts)

    def _call(self, event: dict[str, Any]) -> Call | None:
        about = event.get("objectRef")
        if event["user"].get("username") != self._user or about is None or about["resource"] == LEASES:
            return None
        made = event["verb"] == "patch" and event.get("responseStatus", {}).get("code") == 201
        resource = "/".join(filter(None, (about["resource"], about.get("subresource"))))
        return Call("create" if made else event["verb"], resource)
