"""The users of the fleet: they create, edit and delete services, and watch them become Ready."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import aiohttp

from ocr_operator.cluster.kube import paths
from ocr_operator.cluster.kube.access import Access
from ocr_operator.models.manifest import OCR_SERVICE, Kind, Ref
from ocr_operator.models.names import MANAGED_BY_LABEL, MANAGER
from ocr_operator.models.service import Key

AT_ONCE: Final = 16
POLL_SECONDS: Final = 0.2
LIMIT_SECONDS: Final = 1800.0
METADATA: Final = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
MERGE: Final = "application/merge-patch+json"
# Of an event.
LINE_BYTES: Final = 1 << 20
NO_TIMEOUT: Final = aiohttp.ClientTimeout(total=None)


@dataclass(frozen=True, slots=True)
class Seen:
    """A service as it was last told: is its status about its spec, may pages be sent, does anything move."""

    generation: int
    observed: bool
    ready: bool
    moving: bool

    @property
    def settled(self) -> bool:
        """Ready as its spec says it now, and at rest."""
        return self.observed and self.ready and not self.moving


async def eventually(check: Callable[[], Awaitable[bool]], seconds: float = LIMIT_SECONDS) -> None:
    """Return once it is so. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while True:
            if await check():
                return
            await asyncio.sleep(POLL_SECONDS)


class Client:
    """An administrator with kubectl's means, quicker."""

    def __init__(self, access: Access, session: aiohttp.ClientSession) -> None:
        """The session is one of the access."""
        self._server = access.server
        self._session = session
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._told = asyncio.Event()
        self.services: dict[str, Seen] = {}

    async def send(self, method: str, path: str, body: Any = None, **headers: str) -> dict[str, Any]:
        """One request; its JSON."""
        data = None if body is None else json.dumps(body).encode()
        content = {"Content-Type": "application/json", **headers}
        async with (
            self._turns,
            self._session.request(method, f"{self._server}{path}", data=data, headers=content) as response,
        ):
            response.raise_for_status()
            answer: dict[str, Any] = await response.json()
            return answer

    async def create_namespaces(self, names: Iterable[str]) -> None:
        """New namespaces in which pods can be made."""
        for name in names:
            body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
            await self.send("POST", "/api/v1/namespaces", body)
        # Without their service accounts the apiserver refuses pods.
        for name in names:
            await eventually(partial(self._has_account, name))

    async def _has_account(self, namespace: str) -> bool:
        answer = await self.send("GET", f"/api/v1/namespaces/{namespace}/serviceaccounts")
        return bool(answer["items"])

    async def create(self, keys: Iterable[Key]) -> None:
        """New services with an empty spec."""
        head = {"apiVersion": OCR_SERVICE.api_version, "kind": OCR_SERVICE.kind, "spec": {}}
        await asyncio.gather(
            *(
                self.send(
                    "POST",
                    paths.collection(OCR_SERVICE, key.namespace),
                    {**head, "metadata": {"name": key.name}},
                )
                for key in keys
            )
        )

    async def edit(self, keys: Iterable[Key], spec: dict[str, Any]) -> None:
        """Change the specs."""
        await asyncio.gather(*(self._patch(Ref(OCR_SERVICE, *key), {"spec": spec}) for key in keys))

    async def _patch(self, ref: Ref, body: dict[str, Any]) -> None:
        await self.send("PATCH", paths.item(ref), body, **{"Content-Type": MERGE})

    async def delete(self, refs: Iterable[Ref]) -> None:
        """Delete objects."""
        await asyncio.gather(*(self.send("DELETE", paths.item(ref)) for ref in refs))

    async def owned(self, kind: Kind) -> list[Ref]:
        """All children of a kind."""
        path = f"{paths.collection(kind, None)}?labelSelector={MANAGED_BY_LABEL}%3D{MANAGER}"
        items = (await self.send("GET", path, Accept=METADATA))["items"] or ()
        return [Ref(kind, each["metadata"]["namespace"], each["metadata"]["name"]) for each in items]

    async def count(self, kind: Kind) -> int:
        """How many objects of a kind there are, whosever they are, without reading them."""
        listing = await self.send("GET", f"{paths.collection(kind, None)}?limit=1", Accept=METADATA)
        return len(listing["items"] or ()) + int(listing["metadata"].get("remainingItemCount", 0))

    async def until(self, check: Callable[[dict[str, Seen]], bool]) -> None:
        """Return once the services are so, at the moment when it is told. Raises TimeoutError."""
        async with asyncio.timeout(LIMIT_SECONDS):
            while not check(self.services):
                self._told.clear()
                await self._told.wait()

    async def follow(self) -> None:
        """Keep `services` up to date until cancelled."""
        collection = paths.collection(OCR_SERVICE, None)
        while True:
            listing = await self.send("GET", collection)
            self.services = {_name(item): _seen(item) for item in listing["items"]}
            self._told.set()
            query = {"watch": "true", "resourceVersion": listing["metadata"]["resourceVersion"]}
            # A watch that is too slow is cut off: begin anew.
            with suppress(aiohttp.ClientError):
                await self._watch(f"{self._server}{collection}", query)

    async def _watch(self, url: str, query: dict[str, str]) -> None:
        request = self._session.get(url, params=query, timeout=NO_TIMEOUT, read_bufsize=LINE_BYTES)
        async with request as stream:
            async for line in stream.content:
                event = json.loads(line)
                if event["type"] == "ERROR":
                    return
                self._tell(event)

    def _tell(self, event: dict[str, Any]) -> None:
        item = event["object"]
        if event["type"] == "DELETED":
            self.services.pop(_name(item), None)
        else:
            self.services[_name(item)] = _seen(item)
        self._told.set()


def _name(item: dict[str, Any]) -> str:
    return str(Key(item["metadata"]["namespace"], item["metadata"]["name"]))


def _seen(item: dict[str, Any]) -> Seen:
    status = item.get("status") or {}
    conditions = {each["type"]: each["status"] for each in status.get("conditions", ())}
    return Seen(
        generation=item["metadata"]["generation"],
        observed=status.get("observedGeneration") == item["metadata"]["generation"],
        ready=conditions.get("Ready") == "True",
        moving=conditions.get("Reconciling") != "False",
    )
