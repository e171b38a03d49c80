"""kopf as watch multiplexer: an event puts the keys of the OCRServices that it concerns into the queue.

Only the key travels: what an event says of the object is old by the time it is worked on, so the reconcile
reads. Handlers return nothing, for kopf would write it into the status, and there are none but `on.event`,
so kopf writes no annotation, finalizer or patch. It swallows their errors: they do nothing that could fail.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Any, Final

import aiohttp
import kopf

from ocr_operator.cluster.kube.access import Access
from ocr_operator.cluster.kube.objects import ObjectId, identity, version_of
from ocr_operator.models.manifest import (
    CHILD_KINDS,
    HORIZONTAL_POD_AUTOSCALER,
    OCR_PROFILE,
    OCR_SERVICE,
    POD_DISRUPTION_BUDGET,
    Kind,
)
from ocr_operator.models.names import GROUP, KIND, MANAGED_BY_LABEL, MANAGER, SERVICE_LABEL, STATUS_MANAGER
from ocr_operator.models.service import Key
from ocr_operator.runtime.freshness import Freshness
from ocr_operator.runtime.metrics import Metrics
from ocr_operator.runtime.news import News
from ocr_operator.runtime.profiles import Profiles
from ocr_operator.runtime.queue import WorkQueue
from ocr_operator.status.autoscaler import scaling

# A service that is made or changes has some dozens of events of its children; those of a second are one look.
CHILD_SECONDS: Final = 1.0
KOPF_END_SECONDS: Final = 3.0
CANCEL_AGAIN_SECONDS: Final = 0.2
# Of a status that changes all the time, what a reconcile looks at: an autoscaler's has the load, a disruption
# budget's counts the pods that come and go.
TOLD: Final[Mapping[Kind, Callable[[Mapping[str, Any]], object]]] = {
    HORIZONTAL_POD_AUTOSCALER: scaling,
    POD_DISRUPTION_BUDGET: lambda _: None,
}
# Hears of an event: its type, and the object.
Changed = Callable[[str | None, Any], None]


@dataclass(frozen=True)
class Watches:
    """Where events go."""

    queue: WorkQueue[Key]
    metrics: Metrics
    freshness: Freshness[ObjectId]
    profiles: Profiles
    news: News[str] = field(default_factory=News)

    def registry(self, kinds: Iterable[Kind]) -> kopf.OperatorRegistry:
        """Handlers for our own kinds and the kinds of children."""
        registry = kopf.OperatorRegistry()
        changed: dict[Kind, Changed] = {
            OCR_SERVICE: self._service_changed,
            OCR_PROFILE: self._profile_changed,
            **{kind: partial(self._restless_changed, told) for kind, told in TOLD.items()},
        }
        for kind in kinds:
            self._watch(registry, kind, changed.get(kind, self._child_changed))
        return registry

    def _watch(self, registry: kopf.OperatorRegistry, kind: Kind, changed: Changed) -> None:
        group, _, version = kind.api_version.rpartition("/")

        async def on_event(*, type: str | None, body: kopf.Body, **_: Any) -> None:  # noqa: A002 - kopf's name
            self.metrics.watched(kind.plural, type or "LISTED")
            metadata = body["metadata"]
            changed(type, body)
            told = identity(kind, metadata)
            self.freshness.saw(told, version_of(metadata), gone=type == "DELETED")

        kopf.on.event(group, version, kind.plural, id=kind.plural, registry=registry)(on_event)

    async def count(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """Sees the requests of kopf, which tells nothing of its watches."""
        if request.url.query.get("watch") == "true":
            self.metrics.watching(request.url.path)
        return await handler(request)

    def _service_changed(self, event: str | None, body: Mapping[str, Any]) -> None:
        if event != "MODIFIED" or not is_echo(body):
            metadata = body["metadata"]
            self.queue.add(Key(metadata["namespace"], metadata["name"]))

    def _profile_changed(self, _event: str | None, body: Mapping[str, Any]) -> None:
        metadata = body["metadata"]
        for service in self.profiles.users(metadata["namespace"], metadata["name"]):
            self.queue.add(service)

    def _child_changed(self, _event: str | None, body: Mapping[str, Any]) -> None:
        key = owner(body)
        if key is not None:
            self.queue.add_after(key, CHILD_SECONDS)

    def _restless_changed(
        self, told: Callable[[Mapping[str, Any]], object], event: str | None, body: Mapping[str, Any]
    ) -> None:
        """Only what is ours and what we tell of it is news."""
        metadata = body["metadata"]
        ours = [metadata.get(name) for name in ("labels", "annotations", "ownerReferences")]
        if self.news.is_new(metadata["uid"], [*ours, body.get("spec"), told(body)]) or event != "MODIFIED":
            self._child_changed(event, body)
        if event == "DELETED":
            self.news.forget(metadata["uid"])


def is_echo(body: Mapping[str, Any]) -> bool:
    """Whether a change of an OCRService is only of its status, and that by us.

    While a service comes up, its status is written several times. At a thousand services each of those
    writes would be one more reconcile of a dozen requests to find nothing. A spec that changes raises the
    generation over what the status has observed, so such a change is never taken for an echo.
    """
    metadata = body["metadata"]
    observed = (body.get("status") or {}).get("observedGeneration")
    if metadata.get("deletionTimestamp") or observed != metadata.get("generation"):
        return False
    fields = metadata.get("managedFields") or ()
    return all(
        entry.get("manager") == STATUS_MANAGER for entry in fields if entry.get("subresource") == "status"
    )


def owner(body: Mapping[str, Any]) -> Key | None:
    """The OCRService that a child belongs to: by its ownerReference, else by its label."""
    metadata = body["metadata"]
    for reference in metadata.get("ownerReferences") or ():
        api_group = str(reference.get("apiVersion")).partition("/")[0]
        if reference.get("controller") and (api_group, reference.get("kind")) == (GROUP, KIND):
            return Key(metadata["namespace"], reference["name"])
    name = (metadata.get("labels") or {}).get(SERVICE_LABEL)
    return Key(metadata["namespace"], name) if name else None


def _settings() -> kopf.OperatorSettings:
    """kopf's settings: bounded watches, server-side selection, nothing written."""
    settings = kopf.OperatorSettings()
    # A foreign "default" ClusterKopfPeering must not pause us: nolar/kopf#734.
    settings.peering.standalone = True
    settings.posting.enabled = False
    # kopf would watch all CRDs and namespaces, schemas and all, and need the right to. We look ourselves at
    # whether the few kinds that matter are served, and start kopf anew when that changes.
    settings.scanning.disabled = True
    settings.watching.connect_timeout = 10
    # Sessions end by themselves, beside bookmarks and the inactivity timeout of kopf 1.44: nolar/kopf#957.
    settings.watching.server_timeout = 290
    settings.watching.client_timeout = 310
    settings.watching.inactivity_timeout = 70
    settings.watching.reconnect_backoff = 1.0
    # A page is parsed at one go, and meanwhile nothing else happens.
    settings.watching.chunk_size = 100
    # kopf keeps a task for each object of a list so long; at a start those are all objects.
    settings.queueing.idle_timeout = 1.0
    for kind in CHILD_KINDS:
        group, _, version = kind.api_version.rpartition("/")
        settings.watching.label_selectors[group, version, kind.plural] = f"{MANAGED_BY_LABEL}={MANAGER}"
    settings.networking.request_timeout = 30
    settings.networking.connect_timeout = 10
    # Never written; but if a handler that needs them ever slipped in, not under kopf's shared names.
    settings.persistence.finalizer = f"{GROUP}/kopf"
    settings.persistence.progress_storage = kopf.AnnotationsProgressStorage(prefix=f"kopf.{GROUP}")
    settings.persistence.diffbase_storage = NothingToCompare()
    return settings


class NothingToCompare(kopf.DiffBaseStorage):
    """Spares kopf what it prepares for handlers of changes, of which there are none.

    It copies the whole object at each event, which was a seventh of the operator's time.
    """

    def build(
        self,
        *,
        body: kopf.Body,
        extra_fields: object = None,
    ) -> kopf.BodyEssence:
        """Nothing of the object."""
        return kopf.BodyEssence()

    def fetch(self, *, body: kopf.Body) -> kopf.BodyEssence | None:
        """Nothing is kept."""
        return None

    def store(self, *, body: kopf.Body, patch: kopf.Patch, essence: kopf.BodyEssence) -> None:
        """Nothing is kept."""


def _errors(tasks: Iterable[asyncio.Task[Any]]) -> list[BaseException]:
    ended = [task.exception() for task in tasks if task.done() and not task.cancelled()]
    return [error for error in ended if error is not None]


def _reason(errors: Iterable[BaseException]) -> str:
    return "; ".join(str(error) or type(error).__name__ for error in errors) or "no reason given"


def _is_not_found(error: BaseException) -> bool:
    # kopf's errors of the API carry the status, but it exports none of their classes.
    return getattr(error, "status", None) == HTTPStatus.NOT_FOUND


def _cancel_tasks_of_kopf(*, except_for: asyncio.Task[Any]) -> None:
    for task in asyncio.all_tasks():
        frame = getattr(task.get_coro(), "cr_frame", None)
        if frame and frame.f_globals["__name__"].startswith("kopf.") and task is not except_for:
            task.cancel()


class WatchesEndedError(Exception):
    """kopf ended without being asked to: the operator is blind and must be started anew."""


class Host:
    """Runs kopf in our event loop, again and again if asked.

    kopf ends every task that was made after its start (see `kopf.run_tasks`), so ours are made before.
    """

    def __init__(
        self,
        watches: Watches,
        access: Access,
        namespaces: Sequence[str],
        reclaim: Callable[[], None],
        patience_seconds: float,
    ) -> None:
        """No namespaces means all. `reclaim` takes the signals back that kopf takes for itself.

        A kind may vanish before `watch` leaves it out; this many seconds later `watch` must have said so.
        """
        self._watches = watches
        self._access = access
        self._namespaces = tuple(namespaces)
        self._reclaim = reclaim
        self._patience_seconds = patience_seconds
        self._kinds: tuple[Kind, ...] = ()
        self._end = asyncio.Event()
        self._again = False

    def watch(self, kinds: Iterable[Kind]) -> None:
        """Watch these kinds from now on; all their objects are told anew."""
        self._kinds = tuple(kinds)
        self._again = True
        self._end.set()

    def stop(self) -> None:
        """Make `run` return soon."""
        self._again = False
        self._end.set()

    async def run(self) -> None:
        """Watch what `watch` said, from when it did, until `stop`. Raises WatchesEndedError."""
        await self._end.wait()
        while self._again:
            self._again = False
            self._end.clear()
            await self._run_once()

    async def _run_once(self) -> None:
        ours = asyncio.all_tasks()
        tasks = await kopf.spawn_tasks(
            registry=self._registry(),
            settings=_settings(),
            clusterwide=not self._namespaces,
            namespaces=self._namespaces,
            stop_flag=self._end,
        )
        self._reclaim()
        runner = asyncio.create_task(kopf.run_tasks(tasks, ignored=ours))
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        asked = self._end.is_set()
        if asked:
            # It needs a moment to end in order.
            await asyncio.wait((runner,), timeout=CANCEL_AGAIN_SECONDS)
        deadline = asyncio.get_running_loop().time() + KOPF_END_SECONDS
        while not runner.done() and asyncio.get_running_loop().time() < deadline:
            # A watch that failed for good or a look at the kinds that was cut off waits for ever for a login
            # that kopf has ended before; and a watch that connects swallows a cancellation.
            _cancel_tasks_of_kopf(except_for=runner)
            await asyncio.wait((runner,), timeout=CANCEL_AGAIN_SECONDS)
        errors = _errors((runner,)) or _errors(tasks)
        if not runner.done():
            raise WatchesEndedError(f"kopf did not end: {_reason(errors)}")
        if not asked:
            await self._forgive(errors)

    async def _forgive(self, errors: Sequence[BaseException]) -> None:
        """Return if kopf ended because a CRD went, and `watch` says so soon: what is left is watched then."""
        if any(map(_is_not_found, errors)):
            with suppress(TimeoutError):
                async with asyncio.timeout(self._patience_seconds):
                    await self._end.wait()
        if not self._end.is_set():
            raise WatchesEndedError(f"kopf ended: {_reason(errors)}")

    def _registry(self) -> kopf.OperatorRegistry:
        registry = self._watches.registry(self._kinds)

        async def login(**_: Any) -> kopf.AiohttpSession:
            # kopf asks again after a 401.
            await self._access.reload()
            session = self._access.session(self._watches.count)
            return kopf.AiohttpSession(server=self._access.server, aiohttp_session=session)

        kopf.on.login(id="login", registry=registry)(login)
        return registry
