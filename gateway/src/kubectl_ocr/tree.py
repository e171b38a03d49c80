"""PURE: an OCRService and what belongs to it, as a tree of text."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from kubectl_ocr.kubectl import Object
from kubectl_ocr.pods import Trouble, state, troubles

GAP = 2


@dataclass(frozen=True)
class Node:
    """One object: its name, how it is, what else is to be told, and what it owns."""

    name: str
    state: str
    notes: tuple[str, ...] = ()
    children: tuple["Node", ...] = ()


def tree(service: Object, found: Iterable[Object], logs: Mapping[Trouble, tuple[str, ...]]) -> Node:
    """The service above its Deployments, ReplicaSets and pods, by their owners.

    ReplicaSets of old revisions are left out once they have no pods.
    """
    owned: dict[str, list[Object]] = {}
    for each in found:
        for owner in each["metadata"].get("ownerReferences") or ():
            if owner.get("controller"):
                owned.setdefault(owner["uid"], []).append(each)
    return _node(service, owned, logs)


def _node(body: Object, owned: Mapping[str, list[Object]], logs: Mapping[Trouble, tuple[str, ...]]) -> Node:
    children = sorted(owned.get(body["metadata"]["uid"], ()), key=lambda each: str(each["metadata"]["name"]))
    return Node(
        name=f"{body['kind']}/{body['metadata']['name']}",
        state=_state(body),
        notes=tuple(_notes(body, logs)),
        children=tuple(_node(child, owned, logs) for child in children if not _is_past(child)),
    )


def _is_past(body: Object) -> bool:
    status = body.get("status") or {}
    return body["kind"] == "ReplicaSet" and not (body["spec"].get("replicas") or status.get("replicas"))


def _state(body: Object) -> str:
    status = body.get("status") or {}
    match body["kind"]:
        case "Pod":
            return state(body)
        case "OCRService":
            ready = next((c for c in status.get("conditions", ()) if c["type"] == "Ready"), None)
            return (
                f"Ready={ready['status']}, {ready['reason']}" if ready else "the operator has not seen it yet"
            )
        case _:
            return f"{status.get('readyReplicas', 0)}/{body['spec'].get('replicas', 1)} ready"


def _notes(body: Object, logs: Mapping[Trouble, tuple[str, ...]]) -> Iterator[str]:
    if body["kind"] != "Pod":
        return
    for trouble in troubles(body):
        yield str(trouble)
        yield from (f"> {line}" for line in logs.get(trouble, ()))


def render(root: Node) -> Iterator[str]:
    """Lines: names as a tree, and beside each how it is."""
    rows = list(_rows(root, "", ""))
    width = max(len(name) for name, state in rows if state is not None) + GAP
    for name, told in rows:
        yield name if told is None else f"{name:<{width}}{told}"


def _rows(node: Node, first: str, rest: str) -> Iterator[tuple[str, str | None]]:
    """Each line as what is drawn of the tree, and the state in the second column; None for notes."""
    yield first + node.name, node.state
    stem = "│ " if node.children else "  "
    yield from ((f"{rest}{stem}{note}", None) for note in node.notes)
    for place, child in enumerate(node.children):
        last = place == len(node.children) - 1
        yield from _rows(child, rest + ("└─ " if last else "├─ "), rest + ("   " if last else "│  "))
