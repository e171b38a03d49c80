"""What the operator asks of a cluster. Adapters translate their own errors to the ones here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from ocr_operator.models.manifest import Kind, Manifest, Ref


class ClusterError(Exception):
    """A request that did not succeed; unless a subclass says otherwise it is worth another try."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class RejectedError(ClusterError):
    """The API refuses this object (400, 403 by admission or quota, 422): another try needs another object."""


class ForbiddenError(ClusterError):
    """The operator's own role lacks the permission (403 by RBAC)."""


class GoneError(ClusterError):
    """The namespace is going, the kind is not served, or the object to be changed does not exist."""


class ConflictError(ClusterError):
    """The object is there already, or is another one than was meant (409)."""


@dataclass(frozen=True, slots=True)
class Event:
    """A Kubernetes Event about one object."""

    about: Ref
    uid: str
    type: Literal["Normal", "Warning"]
    reason: str
    message: str


class Scraper(Protocol):
    """Reads what pods say of themselves."""

    async def __call__(self, urls: Sequence[str]) -> tuple[str, ...]:
        """The text behind each URL that answers in a moment; the others are left out."""


class Cluster(Protocol):
    """Asynchronous access to one cluster. Every method raises ClusterError or a subclass."""

    async def get(self, ref: Ref) -> Manifest | None:
        """The object, or None if there is none."""

    async def exists(self, ref: Ref) -> bool:
        """Whether the object is there, without reading its content (a Secret's values stay unseen)."""

    async def list(
        self, kind: Kind, namespace: str | None, labels: Mapping[str, str]
    ) -> tuple[Manifest, ...]:
        """Objects of a kind that carry all labels; `namespace` None means every namespace in scope.

        A kind that the cluster does not serve has no objects.
        """

    async def serves(self, kind: Kind) -> bool:
        """Whether the cluster has that kind now."""

    async def create(self, manifest: Manifest, *, manager: str) -> Manifest:
        """Server-side apply of an object that must not be there yet; the answer is the live object.

        One that is there stays as it is, whosever it is, and ConflictError is raised.
        """

    async def apply(self, manifest: Manifest, *, manager: str) -> Manifest:
        """Server-side apply with force; the answer is the live object.

        A manifest with a uid is for the object that has it: without one ConflictError is raised.
        """

    async def apply_status(self, manifest: Manifest, *, manager: str) -> Manifest:
        """Server-side apply of the status subresource with force; the answer is the live object."""

    async def delete(self, ref: Ref, *, uid: str) -> None:
        """Delete the object if it still has that uid, its dependents in the background; none is no error."""

    async def record(self, event: Event) -> None:
        """Write an Event."""
