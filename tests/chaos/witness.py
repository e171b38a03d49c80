"""What the operators were seen to do: by each answer that the apiserver gave them."""

import json
import re
from dataclasses import dataclass, field
from typing import Any, Final

from tests.support.faultproxy import Call

DEPLOYMENT: Final = re.compile(r"/namespaces/[^/]+/deployments/(?P<name>[^/]+)$")
OCR_SERVICE: Final = re.compile(r"/ocrservices(/[^/]+)?$")


@dataclass
class Witness:
    """Listens to a FaultProxy, in the proxy's thread."""

    # The least number of pods that users have asked for of a Deployment, by its name.
    least: dict[str, int] = field(default_factory=dict)
    # The uids of OCRServices that users have deleted: what is still made for them is the garbage collector's.
    gone: set[str] = field(default_factory=set)
    wrongs: list[str] = field(default_factory=list)
    _now: dict[str, bytes] = field(default_factory=dict)
    _before: dict[str, bytes] = field(default_factory=dict)

    def hear(self, call: Call, status: int, body: bytes) -> None:
        """An answer of the apiserver."""
        if not call.is_operator:
            return
        if call.is_write:
            self._judge(call, status, body)
        elif status == 200 and self._now.get(call.asked) != body:
            if call.asked in self._now:
                self._before[call.asked] = self._now[call.asked]
            self._now[call.asked] = body

    def former(self) -> dict[str, bytes]:
        """To reads whose answer has changed, the answer before."""
        return dict(self._before)

    def _judge(self, call: Call, status: int, body: bytes) -> None:
        if OCR_SERVICE.search(call.path):
            self.wrongs.append(f"{call.method} {call.path}: the OCRService is its user's")
        changed = DEPLOYMENT.search(call.path)
        if changed and call.method == "PATCH" and status in (200, 201):
            self._count(changed["name"], json.loads(body))

    def _count(self, name: str, deployment: dict[str, Any]) -> None:
        if {owner["uid"] for owner in deployment["metadata"].get("ownerReferences", ())} & self.gone:
            return
        replicas, least = deployment["spec"].get("replicas", 1), self.least.get(name, 0)
        if replicas < least:
            self.wrongs.append(f"Deployment {name} was given {replicas} pods, but {least} were asked for")
