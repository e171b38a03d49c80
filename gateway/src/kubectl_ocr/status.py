"""`kubectl ocr status NAME`: the service, what belongs to it, why something fails, and the conditions."""

from collections.abc import Iterator, Sequence

from kubectl_ocr.kubectl import Kubectl, KubectlError, Object, lines
from kubectl_ocr.pods import Trouble, troubles
from kubectl_ocr.tree import render, tree

KINDS = "deployments,replicasets,pods"
LOG_LINES = 5
HEADER = ("TYPE", "STATUS", "REASON", "MESSAGE")


def status(kubectl: Kubectl, name: str) -> str:
    """What is to be printed. Raises KubectlError."""
    service = kubectl.service(name)
    found = kubectl.json("get", KINDS, f"--selector=kubeocr.dev/service={name}")["items"]
    failing = [trouble for body in found if body["kind"] == "Pod" for trouble in troubles(body)]
    logs = {trouble: _log(kubectl, trouble) for trouble in failing if trouble.ran}
    parts = [render(tree(service, found, logs)), _facts(service), _conditions(service)]
    return "\n\n".join("\n".join(part) for part in parts)


def _log(kubectl: Kubectl, trouble: Trouble) -> tuple[str, ...]:
    """The last lines of a container that ended."""
    before = ["--previous"] if trouble.restarted else []
    command = ["logs", trouble.pod, f"--container={trouble.container}", f"--tail={LOG_LINES}", *before]
    try:
        return tuple(lines(kubectl.run(*command)))
    except KubectlError as error:
        return (f"no log: {error}",)


def _facts(service: Object) -> Iterator[str]:
    told = service.get("status") or {}
    version = told.get("version") or {}
    yield f"URL      {(told.get('address') or {}).get('url') or 'none yet'}"
    if operand := version.get("operand"):
        available = version.get("available")
        yield f"Version  {operand}" + (f", {available} is available" if available else "")
    if model := told.get("model"):
        yield f"Model    {model['name']}"
    if profile := told.get("profile"):
        state = f"generation {profile['generation']}" if "generation" in profile else "which is not there"
        yield f"Profile  {profile['name']}, {state}"


def _conditions(service: Object) -> Iterator[str]:
    found = (service.get("status") or {}).get("conditions") or ()
    rows = [HEADER, *((c["type"], c["status"], c["reason"], c["message"]) for c in found)]
    yield from table(rows)


def table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Columns as kubectl has them; the last one is as long as it is."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        padded = [f"{cell:<{width}}" for cell, width in zip(row[:-1], widths, strict=False)]
        yield "   ".join([*padded, " ".join(row[-1].split())]).rstrip()
