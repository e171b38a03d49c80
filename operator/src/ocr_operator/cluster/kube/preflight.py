"""Whether the cluster has what the operator needs to start: the CRDs, their fields, the right to read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final

from pydantic import BaseModel

from ocr_operator.cluster.kube import paths
from ocr_operator.cluster.kube.discovery import Discovery
from ocr_operator.cluster.kube.http import Http, Request
from ocr_operator.cluster.port import ForbiddenError, GoneError
from ocr_operator.models.manifest import (
    CHILD_KINDS,
    OCR_PROFILE,
    OCR_SERVICE,
    OPTIONAL_KINDS,
    OWN_KINDS,
    Kind,
)
from ocr_operator.models.profile import OCRProfile
from ocr_operator.models.service import OCRService

HINT: Final = "upgrade the chart, or apply crds/ of this operator's version"
PARTS: Final = ("spec", "status")
MODELS: Final[Mapping[Kind, type[BaseModel]]] = {OCR_SERVICE: OCRService, OCR_PROFILE: OCRProfile}
# Dotted paths of all fields of each installed CRD; none for one that is not there.
Fields = Mapping[Kind, frozenset[str]]


class Preflight:
    """Checks that write nothing."""

    def __init__(self, http: Http, discovery: Discovery, namespaces: Sequence[str]) -> None:
        """No namespaces means all."""
        self._http = http
        self._discovery = discovery
        self._scope: tuple[str | None, ...] = tuple(namespaces) or (None,)

    async def fields(self) -> Fields:
        """What the installed CRDs have. Raises ClusterError.

        The document itself: the index of all documents, with their hashes, lags behind it by seconds.
        """
        path = f"/openapi/v3{paths.group_version(OCR_SERVICE)}"
        try:
            document = await self._http.send(Request("GET", path, "discovery"))
        except GoneError:
            return dict.fromkeys(OWN_KINDS, frozenset())
        schemas = document["components"]["schemas"]
        return {kind: _served(kind, schemas) for kind in OWN_KINDS}

    async def problem(self, fields: Fields) -> str | None:
        """What is missing, as one line that says what to do; None if nothing is. Raises ClusterError."""
        for kind in OWN_KINDS:
            name = f"{kind.plural}.{kind.api_version.partition('/')[0]}"
            if not fields[kind] or not await self._discovery.serves(kind):
                return f"the CRD {name} is not installed: install the chart, or apply crds/"
            if missing := _known(kind) - fields[kind]:
                # A missing parent says it for its children.
                lacking = sorted(field for field in missing if field.rpartition(".")[0] not in missing)
                return f"the CRD {name} is older than this operator, it lacks {', '.join(lacking)}: {HINT}"
        return await self._unreadable()

    async def _unreadable(self) -> str | None:
        for kind in (*OWN_KINDS, *CHILD_KINDS):
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
def _known(kind: Kind) -> frozenset[str]:
    """All fields that this operator knows."""
    own = MODELS[kind].model_json_schema(by_alias=True)
    return frozenset(_parts(own, own))


def _served(kind: Kind, schemas: Mapping[str, Any]) -> frozenset[str]:
    group, _, version = kind.api_version.partition("/")
    identity = {"group": group, "kind": kind.kind, "version": version}
    for schema in schemas.values():
        if identity in (schema.get("x-kubernetes-group-version-kind") or ()):
            return frozenset(_parts(schema, {}))
    return frozenset()


def _parts(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Iterator[str]:
    """Dotted paths of all fields of spec and status."""
    for part in PARTS:
        yield from _fields(schema["properties"].get(part, {}), root, part)


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
