"""Commands that change an OCRService, each by a write of the user's own."""

from datetime import UTC, datetime

from kubectl_ocr.kubectl import MANAGER, RESOURCE, Kubectl, KubectlError, Object

# Of a pod template: `kubectl rollout restart` writes the same.
RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
PROMOTE, ROLLBACK = "kubeocr.dev/promote", "kubeocr.dev/rollback"


def suspend(kubectl: Kubectl, name: str) -> str:
    """Run no pods."""
    return _set(kubectl, name, {"suspend": True})


def resume(kubectl: Kubectl, name: str) -> str:
    """Run pods again."""
    return _set(kubectl, name, {"suspend": False})


def upgrade(kubectl: Kubectl, name: str, version: str | None) -> str:
    """Set the version, else the newest that the operator has."""
    service = kubectl.service(name)
    told = (service.get("status") or {}).get("version") or {}
    wanted = version or told.get("available")
    if wanted is None:
        return f"{name} has {told.get('operand', 'no version yet')}; the operator has no newer one\n"
    return _set(kubectl, name, {"version": wanted})


def restart(kubectl: Kubectl, name: str) -> str:
    """Replace all pods, as `kubectl rollout restart` does; the operator leaves its mark alone."""
    kubectl.service(name)
    found = kubectl.run("get", "deployments", f"--selector=kubeocr.dev/service={name}", "--output=name")
    if not found.strip():
        raise KubectlError(f"{name} has no Deployments yet; see `kubectl ocr status {name}`")
    moment = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    change = {"spec": {"template": {"metadata": {"annotations": {RESTARTED_AT: moment}}}}}
    for deployment in found.split():
        kubectl.patch(deployment, change)
    return "".join(f"{deployment} restarted\n" for deployment in found.split())


def promote(kubectl: Kubectl, name: str) -> str:
    """Let the canary take over as soon as it has all its pods."""
    return _tell(kubectl, name, PROMOTE)


def rollback(kubectl: Kubectl, name: str) -> str:
    """Take the canary back."""
    return _tell(kubectl, name, ROLLBACK)


def _set(kubectl: Kubectl, name: str, spec: Object) -> str:
    kubectl.service(name)
    return kubectl.patch(f"{RESOURCE}/{name}", {"spec": spec})


def _tell(kubectl: Kubectl, name: str, annotation: str) -> str:
    """What is being rolled out stands in the annotation, so that it says nothing of what comes later."""
    service = kubectl.service(name)
    told = service.get("status") or {}
    generation = service["metadata"]["generation"]
    if told.get("observedGeneration") != generation:
        raise KubectlError(f"the operator has not seen the newest spec of {name} yet; try again in a moment")
    if not (told.get("revisions") or {}).get("candidate"):
        raise KubectlError(
            f"{name} tries no canary now; see `kubectl ocr status {name}` and spec.rollout.strategy"
        )
    profile = (told.get("profile") or {}).get("hash")
    mark = f"{annotation}={generation}-{profile}" if profile else f"{annotation}={generation}"
    return kubectl.run("annotate", "--overwrite", f"--field-manager={MANAGER}", f"{RESOURCE}/{name}", mark)
