"""PURE: how a pod is, and what fails in it."""

from collections.abc import Iterator
from dataclasses import dataclass

from kubectl_ocr.kubectl import Object

STARTING = frozenset({"ContainerCreating", "PodInitializing"})


@dataclass(frozen=True)
class Trouble:
    """A container that fails; `ran`: it has a log, and when `restarted` that of the run before."""

    pod: str
    container: str
    reason: str
    message: str
    ran: bool
    restarted: bool

    def __str__(self) -> str:
        return f"{self.container}: {self.reason}" + (f": {self.message}" if self.message else "")


def state(pod: Object) -> str:
    """In the words of kubectl get: Running, Pending, Terminating, or the reason of what fails."""
    status = pod.get("status") or {}
    if pod["metadata"].get("deletionTimestamp"):
        word = "Terminating"
    elif reasons := [trouble.reason for trouble in troubles(pod)]:
        word = reasons[0]
    elif unscheduled := _unscheduled(pod):
        word = unscheduled
    else:
        word = status.get("reason") or status.get("phase", "Unknown")
    restarts = sum(each.get("restartCount", 0) for each in _containers(pod))
    ready = "ready" if _condition(pod, "Ready").get("status") == "True" else "not ready"
    return ", ".join([word, ready, *([_count(restarts)] if restarts else [])])


def troubles(pod: Object) -> Iterator[Trouble]:
    """Containers that do not run, and not because they just start."""
    if pod["metadata"].get("deletionTimestamp"):
        return
    for container in _containers(pod):
        now = container.get("state") or {}
        ended = now.get("terminated") or (container.get("lastState") or {}).get("terminated") or {}
        waiting = now.get("waiting") or {}
        if "running" in now or waiting.get("reason") in STARTING:
            continue
        if not waiting.get("reason") and not ended.get("exitCode"):
            continue
        code = f" (exit code {ended['exitCode']})" if ended else ""
        reason = "OOMKilled" if ended.get("reason") == "OOMKilled" else waiting.get("reason") or "Error"
        yield Trouble(
            pod=pod["metadata"]["name"],
            container=container["name"],
            reason=f"{reason}{code}",
            message=" ".join((ended.get("message") or waiting.get("message") or "").split()),
            ran=bool(ended),
            restarted=bool(waiting and ended),
        )


def _count(restarts: int) -> str:
    return "1 restart" if restarts == 1 else f"{restarts} restarts"


def _containers(pod: Object) -> list[Object]:
    status = pod.get("status") or {}
    return [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]


def _unscheduled(pod: Object) -> str | None:
    found = _condition(pod, "PodScheduled")
    return f"{found.get('reason')}: {found.get('message')}" if found.get("status") == "False" else None


def _condition(pod: Object, kind: str) -> Object:
    found = (pod.get("status") or {}).get("conditions") or ()
    return next((each for each in found if each["type"] == kind), {})
