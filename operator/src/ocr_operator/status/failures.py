"""Why pods fail: from all pods, init and main containers, waiting and ended, unschedulable and evicted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ocr_operator.models.manifest import Manifest
from ocr_operator.models.names import MODEL_SERVER, PULL_MODEL
from ocr_operator.models.reasons import Reason

# Reasons that no waiting mends: someone must change the spec, the registry or the cluster.
BLOCKING: Final = frozenset(
    {
        "ImagePullBackOff",
        "ErrImageNeverPull",
        "InvalidImageName",
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError",
        "CrashLoopBackOff",
        "OOMKilled",
        "FailedCreate",
        Reason.MODEL_DIGEST_MISMATCH,
        Reason.MODEL_UNAVAILABLE,
    }
)
# The kubelet shows both in turn for one failing pull.
_SAME: Final = {"ErrImagePull": "ImagePullBackOff"}
# Exit codes by which a program of ours says why it ended (ocr_modelserver.models.own and .pull).
TOLD: Final[Mapping[tuple[str, int | None], str]] = {
    (MODEL_SERVER, 65): Reason.MODEL_DIGEST_MISMATCH,
    (PULL_MODEL, 65): Reason.MODEL_DIGEST_MISMATCH,
    (PULL_MODEL, 69): Reason.MODEL_UNAVAILABLE,
    (PULL_MODEL, 77): Reason.MODEL_UNAVAILABLE,
}
_STARTING: Final = frozenset({"ContainerCreating", "PodInitializing"})
MESSAGE_LENGTH: Final = 2048


@dataclass(frozen=True, slots=True)
class Failure:
    """One failing container or pod. `active`: it keeps the pod from running now. `since` is RFC 3339."""

    pod: str
    reason: str
    since: str
    active: bool
    container: str | None = None
    exit_code: int | None = None
    message: str | None = None
    count: int = 0

    @property
    def blocking(self) -> bool:
        """Whether only a change by someone ends it."""
        return self.active and self.reason in BLOCKING


def newest_failure(pods: Iterable[Manifest]) -> Failure | None:
    """The failure to show: one that is active before one that is over, then the newest."""
    found = [failure for pod in pods for failure in _pod_failures(pod)]
    return max(found, key=lambda f: (f.blocking, f.active, f.since, f.pod), default=None)


def describe(failure: Failure) -> str:
    """Where and what, for people."""
    place = (
        f"container {failure.container} of pod {failure.pod}" if failure.container else f"pod {failure.pod}"
    )
    code = "" if failure.exit_code is None else f" (exit code {failure.exit_code})"
    return f"{place}: {failure.reason}{code}" + (f": {failure.message}" if failure.message else "")


def _pod_failures(pod: Manifest) -> Iterator[Failure]:
    metadata, status = pod["metadata"], pod.get("status") or {}
    if metadata.get("deletionTimestamp"):
        return
    name, since = metadata["name"], _not_ready_since(pod)
    if status.get("phase") == "Failed" and status.get("reason"):
        yield Failure(name, status["reason"], since, active=False, message=_cut(status.get("message")))
    for condition in status.get("conditions") or ():
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            reason = condition.get("reason") or "Unschedulable"
            yield Failure(name, reason, since, active=True, message=_cut(condition.get("message")))
    for container in (*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())):
        failure = _container_failure(name, since, container)
        if failure is not None:
            yield failure


def _container_failure(pod: str, since: str, status: dict[str, Any]) -> Failure | None:
    waiting = (status.get("state") or {}).get("waiting")
    ended = _ended(status)
    if waiting and waiting.get("reason") and waiting["reason"] not in _STARTING:
        reason = _SAME.get(waiting["reason"], waiting["reason"])
        message, code = waiting.get("message"), None
        if ended:
            code, since = ended.get("exitCode"), ended.get("finishedAt") or since
            message = ended.get("message") or message
            # What ended it says more than that it is being restarted.
            reason = "OOMKilled" if ended.get("reason") == "OOMKilled" else reason
    elif ended:
        reason, message, code = ended.get("reason") or "Error", ended.get("message"), ended.get("exitCode")
        since = ended.get("finishedAt") or since
    else:
        return None
    return Failure(
        pod,
        TOLD.get((status["name"], code), reason),
        since,
        active=not status.get("ready", False),
        container=status["name"],
        exit_code=code,
        message=_cut(message),
        count=status.get("restartCount", 0),
    )


def _ended(status: dict[str, Any]) -> dict[str, Any] | None:
    for state in (status.get("state") or {}, status.get("lastState") or {}):
        terminated: dict[str, Any] | None = state.get("terminated")
        if terminated and (terminated.get("exitCode") != 0 or terminated.get("reason") == "OOMKilled"):
            return terminated
    return None


def _not_ready_since(pod: Manifest) -> str:
    for condition in (pod.get("status") or {}).get("conditions") or ():
        if condition["type"] in {"Ready", "PodScheduled"} and condition["status"] == "False":
            return str(condition["lastTransitionTime"])
    return str(pod["metadata"].get("creationTimestamp") or "")


def _cut(message: str | None) -> str | None:
    return message[-MESSAGE_LENGTH:] if message else None
