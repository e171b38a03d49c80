"""URL paths of the Kubernetes API."""

from __future__ import annotations

from urllib.parse import quote

from ocr_operator.models.manifest import Kind, Ref


def group_version(kind: Kind) -> str:
    """The root of the kind's API group and version, which is also its discovery document."""
    root = "api" if "/" not in kind.api_version else "apis"
    return f"/{root}/{kind.api_version}"


def collection(kind: Kind, namespace: str | None) -> str:
    """All objects of a kind, in one namespace or in all."""
    scope = "" if namespace is None else f"/namespaces/{quote(namespace, safe='')}"
    return f"{group_version(kind)}{scope}/{kind.plural}"


def item(ref: Ref) -> str:
    """One object."""
    return f"{collection(ref.kind, ref.namespace)}/{quote(ref.name, safe='')}"
