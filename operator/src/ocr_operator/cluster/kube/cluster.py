"""The adapter: the `Cluster` port in requests to the Kubernetes API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from ocr_operator.cluster.kube import paths
from ocr_operator.cluster.kube.discovery import Discovery
from ocr_operator.cluster.kube.events import Recorder
from ocr_operator.cluster.kube.http import APPLY, JSON, Http, Request
from ocr_operator.cluster.kube.objects import ObjectId, identity, version_of
from ocr_operator.cluster.port import ClusterError, ConflictError, Event, GoneError
from ocr_operator.models.manifest import Kind, Manifest, Ref, ref

T = TypeVar("T")

PAGE: Final = 500
# No object has it: an apply that asks for it makes a new object or is a conflict, never a change.
NO_OBJECTS_VERSION: Final = "1"
METADATA_ONLY: Final = f"{JSON};as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
METADATA_LIST: Final = f"{JSON};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """Objects of one kind, and the version of the list as a whole."""

    items: tuple[T, ...]
    version: int


class KubeCluster:
    """A Kubernetes cluster, or the namespaces of it that the operator may see."""

    def __init__(
        self, http: Http, discovery: Discovery, recorder: Recorder, namespaces: Sequence[str]
    ) -> None:
        """No namespaces means all."""
        self._http = http
        self._discovery = discovery
        self._recorder = recorder
        self._scope: tuple[str | None, ...] = tuple(namespaces) or (None,)

    async def get(self, ref: Ref) -> Manifest | None:
        """The object, or None if there is none."""
        return await self._get(ref, JSON)

    async def exists(self, ref: Ref) -> bool:
        """Whether the object is there; only its metadata travels."""
        return await self._get(ref, METADATA_ONLY) is not None

    async def _get(self, ref: Ref, accept: str) -> Manifest | None:
        return await self._http.find(Request("GET", paths.item(ref), ref.kind.plural, accept=accept))

    async def list(
        self, kind: Kind, namespace: str | None, labels: Mapping[str, str]
    ) -> tuple[Manifest, ...]:
        """Objects of a kind that carry all labels."""
        # Items of a list leave out what the list says once.
        head = {"apiVersion": kind.api_version, "kind": kind.kind}
        scope = self._scope if namespace is None else (namespace,)
        pages = [self._pages(kind, each, labels, JSON) for each in scope]
        listings = [await self._list(kind, each, lambda entry: {**entry, **head}) for each in pages]
        return tuple(manifest for listing in listings for manifest in listing.items)

    async def list_versions(self, kind: Kind, labels: Mapping[str, str]) -> Listing[tuple[ObjectId, int]]:
        """All objects in scope that carry the labels, with their versions; `version` is the oldest list's."""

        def taken(entry: Manifest) -> tuple[ObjectId, int]:
            return identity(kind, entry["metadata"]), version_of(entry["metadata"])

        pages = [self._pages(kind, each, labels, METADATA_LIST) for each in self._scope]
        listings = [await self._list(kind, each, taken) for each in pages]
        items = tuple(listed for listing in listings for listed in listing.items)
        return Listing(items, min(listing.version for listing in listings))

    async def _list(
        self, kind: Kind, pages: AsyncIterator[dict[str, Any]], take: Callable[[Manifest], T]
    ) -> Listing[T]:
        """What is taken of each object; the rest of a page is gone when the next one comes."""
        items: list[T] = []
        version = 0
        try:
            async for page in pages:
                version = version_of(page["metadata"])
                items.extend(map(take, page.get("items") or ()))
        except GoneError as error:
            # 410: the list went out of date while it was read. 404: the kind goes, or went a moment ago.
            if await self._discovery.serves(kind):
                raise ClusterError(str(error)) from error
            return Listing((), 0)
        return Listing(tuple(items), version)

    async def _pages(
        self, kind: Kind, namespace: str | None, labels: Mapping[str, str], accept: str
    ) -> AsyncIterator[dict[str, Any]]:
        query = {"limit": str(PAGE)}
        if labels:
            query["labelSelector"] = ",".join(f"{name}={value}" for name, value in labels.items())
        while True:
            path = paths.collection(kind, namespace)
            page = await self._http.send(Request("GET", path, kind.plural, query=query, accept=accept))
            yield page
            token = page["metadata"].get("continue")
            if not token:
                return
            query["continue"] = token

    async def serves(self, kind: Kind) -> bool:
        """Whether the cluster has that kind; an answer is a few seconds old at most."""
        return await self._discovery.serves(kind)

    async def create(self, manifest: Manifest, *, manager: str) -> Manifest:
        """Server-side apply of an object that must not be there yet, in one request."""
        metadata = {**manifest["metadata"], "resourceVersion": NO_OBJECTS_VERSION}
        return await self._apply({**manifest, "metadata": metadata}, manager, "")

    async def apply(self, manifest: Manifest, *, manager: str) -> Manifest:
        """Server-side apply with force."""
        return await self._apply(manifest, manager, "")

    async def apply_status(self, manifest: Manifest, *, manager: str) -> Manifest:
        """Server-side apply of the status with force."""
        return await self._apply(manifest, manager, "/status")

    async def _apply(self, manifest: Manifest, manager: str, subresource: str) -> Manifest:
        identity = ref(manifest)
        request = Request(
            "PATCH",
            f"{paths.item(identity)}{subresource}",
            f"{identity.kind.plural}{subresource}",
            query={"fieldManager": manager, "force": "true"},
            body=manifest,
            content_type=APPLY,
        )
        return await self._http.send(request)

    async def delete(self, ref: Ref, *, uid: str) -> None:
        """Delete the object if it still has that uid."""
        options = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": {"uid": uid},
            "propagationPolicy": "Background",
        }
        try:
            await self._http.send(Request("DELETE", paths.item(ref), ref.kind.plural, body=options))
        except GoneError:
            return
        except ConflictError:
            # A new object took the name meanwhile, and the one that was meant is gone.
            if await self._uid(ref) == uid:
                raise

    async def _uid(self, ref: Ref) -> str | None:
        found = await self._get(ref, METADATA_ONLY)
        return None if found is None else str(found["metadata"]["uid"])

    async def record(self, event: Event) -> None:
        """Write an Event, or count it onto the one that said the same before."""
        await self._recorder.record(event)
