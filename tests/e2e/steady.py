"""Nothing is written once all is as asked."""

from __future__ import annotations

import json
import re
import time
from typing import Any

from tests.e2e.world import World, eventually

# The load of pods is measured, not written; leases are renewed and events told by others.
LEFT_OUT = re.compile(r"(events|leases)|.*\.metrics\.k8s\.io$")
SECONDS = 60


def assert_nothing_is_written(service: World) -> None:
    """Wait until the last roll-out has ended, then compare all objects of the namespace a minute later."""
    kubectl = service.kubectl
    kinds = kubectl.run("api-resources", "--namespaced", "--verbs=list", "--output=name", "--sort-by=name")
    listed = ",".join(kind for kind in kinds.split() if not LEFT_OUT.match(kind))

    def versions() -> dict[str, str]:
        found = kubectl.json("get", listed)["items"]
        return {f"{each['kind']}/{each['metadata']['name']}": _version(each) for each in found}

    def is_quiet() -> bool:
        before = versions()
        time.sleep(3)
        # A pod that drains changes nothing until it is gone.
        leaving = [pod for pod in service.objects("pods") if "deletionTimestamp" in pod["metadata"]]
        return versions() == before and not leaving

    eventually(is_quiet, "the last roll-out has ended", 120)
    before = versions()
    time.sleep(SECONDS)  # the time is what is tested
    assert versions() == before


def _version(body: dict[str, Any]) -> str:
    """Kubernetes writes the load of pods into an autoscaler's status; all else of it is the operator's."""
    if body["kind"] == "HorizontalPodAutoscaler":
        return json.dumps([body["spec"], body["metadata"]["labels"]])
    return str(body["metadata"]["resourceVersion"])
