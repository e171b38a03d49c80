"""Whether the cluster has what the operator needs to start: the CRD, its fields, the right to read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final

from ocr_operator.cluster.kube import paths
from ocr_operator.cluster.kube.discovery import Discovery
from ocr_operator.cluster.kube.http import Http, Request
from ocr_operator.cluster.port import ForbiddenError, GoneError
from ocr_operator.models.manifest import CHILD_KINDS, OCR_SERVICE, OPTIONAL_KINDS
from ocr_operator.models.service import OCRService

HINT: Final = "upgrade the chart, or apply crds/ of this operator's version"
PARTS: Final = ("spec", "status")


class Preflight:
    """Checks that write nothing."""

    def __init__(self, http: Http, discovery: Discovery, namespaces: Sequence[str]) -> None:
        """No namespaces means all."""
        self._http = http
        self._discovery = discovery
        self._scope: tuple[str | None, ...] = tuple(namespaces) or (None,)

    async def fields(self) -> frozenset[str]:
        """Dotted paths of all fields of the installed CRD; none without one. Raises ClusterError.

        The document itself: the index of all documents, with their hashes, lags behind it by seconds.
        """
        path = f"/openapi/v3{paths.group_version(OCR_SERVICE)}"
        try:
            document = await self._http.send(Request("GET", path, "discovery"))
        except GoneError:
            return frozenset()
        served = _kind(document["components"]["schemas"])
        return frozenset(
            field for part in PARTS for field in _fields(served["properties"].get(part, {}), {}, part)
        )

    async def problem(self, fields: frozenset[str]) -> str | None:
        """What is missing, as one line that says what to do; None if nothing is. Raises ClusterError.

        `fields` are those of the installed CRD.
        """
        if not fields or not await self._discovery.serves(OCR_SERVICE):
            name = f"{OCR_SERVICE.plural}.{OCR_SERVICE.api_version.partition('/')[0]}"
            return f"the CRD {name} is not installed: install the chart, or apply crds/"
        missing = _written() - fields
        if missing:
            # A missing parent says it for its children.
            lacking = sorted(field for field in missing if field.rpartition(".")[0] not in missing)
            return f"the installed CRD is older than this operator, it lacks {', '.join(lacking)}: {HINT}"
        return await self._unreadable()

    async def _unreadable(self) -> str | None:
        for kind in (OCR_SERVICE, *CHILD_KINDS):
            for namespace in self._scope:
                path = paths.collection(kind, namespace)
                try:
                    await self._http.send(Request("GET", path, kind.plural, query={"limit": "1"}))
                except ForbiddenError as error:
                    return f"the operator's role lacks a permission: {error}"
                except GoneError:
                    if kind not in OPTIONAL_KINDS:
                        raise
        return None


@cache
def _written() -> frozenset[str]:
    """All fields that this operator knows."""
    own = OCRService.model_json_schema(by_alias=True)
    return frozenset(field for part in PARTS for field in _fields(own["properties"][part], own, part))


def _kind(schemas: Mapping[str, Any]) -> Mapping[str, Any]:
    group, _, version = OCR_SERVICE.api_version.partition("/")
    identity = {"group": group, "kind": OCR_SERVICE.kind, "version": version}
    for schema in schemas.values():
        if identity in (schema.get("x-kubernetes-group-version-kind") or ()):
            found: Mapping[str, Any] = schema
            return found
    return {"properties": {}}


def _fields(schema: Mapping[str, Any], root: Mapping[str, Any], path: str) -> Iterator[str]:
    """Dotted paths of all fields below a schema of OpenAPI or of pydantic; lists add no path of their own."""
    if "$ref" in schema:
        yield from _fields(root["$defs"][schema["$ref"].rpartition("/")[2]], root, path)
    for variant in (*schema.get("anyOf", ()), *schema.get("allOf", ())):
        yield from _fields(variant, root, path)
    if isinstance(schema.get("items"), Mapping):
        yield from _fields(schema["items"], root, path)
    for name, field in (schema.get("properties") or {}).items():
        yield f"{path}.{name}"
        yield from _fields(field, root, f"{path}.{name}")
