"""Leader election by a coordination.k8s.io Lease, with the rules of client-go and nearly its timing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from ocr_operator.cluster.kube import paths
from ocr_operator.cluster.kube.http import Http, Request
from ocr_operator.cluster.port import ClusterError
from ocr_operator.models.manifest import Kind, Manifest, Ref

LEASE: Final = Kind("coordination.k8s.io/v1", "Lease", "leases")
logger = logging.getLogger(__name__)


class LostLeaseError(Exception):
    """Another may be leader now: end the process before it writes once more."""


@dataclass(frozen=True, slots=True)
class Timing:
    """A holder gives up (`renew`) well before anyone else may take over (`duration`).

    Who stands by looks more often (`look`) than a holder renews (`retry`): so late does it follow one that
    has released the Lease.
    """

    duration_seconds: float = 15.0
    renew_seconds: float = 10.0
    retry_seconds: float = 2.0
    look_seconds: float = 1.0


class Election:
    """One candidate for one Lease."""

    def __init__(
        self,
        http: Http,
        ref: Ref,
        *,
        identity: str,
        monotonic: Callable[[], float],
        now: Callable[[], datetime],
        timing: Timing | None = None,
    ) -> None:
        """`identity` is unique among candidates. Only our own clock counts: skew does no harm."""
        self._http = http
        self._ref = ref
        self._identity = identity
        self._monotonic = monotonic
        self._now = now
        self._timing = timing or Timing()
        # The holder's record as last seen to change, and when by our clock.
        self._observed: tuple[object, float] = (None, float("-inf"))

    async def acquire(self) -> None:
        """Return when the Lease is ours."""
        waiting_for = ""
        while True:
            try:
                holder = await self._take()
            except ClusterError as error:
                logger.warning("the lease %s can't be taken: %s", self._ref, error)
            else:
                if holder == self._identity:
                    logger.info("leader by %s", self._ref)
                    return
                if holder != waiting_for:
                    logger.info("standing by: the leader is %s", holder)
                    waiting_for = holder
            await asyncio.sleep(self._timing.look_seconds)

    async def keep(self) -> None:
        """Renew until cancelled. Raises LostLeaseError once that failed for too long, or another holds it."""
        renewed = self._monotonic()
        while True:
            await asyncio.sleep(self._timing.retry_seconds)
            deadline = renewed + self._timing.renew_seconds
            try:
                async with asyncio.timeout(max(0.0, deadline - self._monotonic())):
                    holder = await self._take()
            except (ClusterError, TimeoutError) as error:
                if self._monotonic() + self._timing.retry_seconds >= deadline:
                    raise LostLeaseError(f"{self._ref} could not be renewed: {error}") from error
                logger.warning("the lease %s was not renewed: %s", self._ref, error)
                continue
            if holder != self._identity:
                raise LostLeaseError(f"{self._ref} went to {holder}")
            renewed = self._monotonic()

    async def release(self) -> None:
        """Let the next candidate take over at once."""
        lease = await self._get()
        if lease is None or lease["spec"].get("holderIdentity") != self._identity:
            return
        # A duration of 0 is refused by the API.
        free = {**lease["spec"], "holderIdentity": "", "leaseDurationSeconds": 1}
        await self._send("PUT", {**lease, "spec": free})

    async def _take(self) -> str:
        """One try; the answer is who holds the Lease after it. The resourceVersion decides races (409)."""
        lease = await self._get()
        if lease is None:
            await self._send("POST", self._head() | {"spec": self._spec({})})
            return self._identity
        spec = lease.get("spec") or {}
        holder = spec.get("holderIdentity") or ""
        if holder not in ("", self._identity) and not self._expired(spec):
            return str(holder)
        await self._send("PUT", {**lease, "spec": self._spec(spec)})
        return self._identity

    def _expired(self, spec: dict[str, Any]) -> bool:
        """Whether the holder has been silent for its own duration, as seen by us."""
        record = (spec.get("holderIdentity"), spec.get("renewTime"), spec.get("leaseTransitions"))
        if record != self._observed[0]:
            self._observed = (record, self._monotonic())
        silent = self._monotonic() - self._observed[1]
        return silent > float(spec.get("leaseDurationSeconds") or self._timing.duration_seconds)

    def _spec(self, before: dict[str, Any]) -> dict[str, Any]:
        mine = before.get("holderIdentity") == self._identity
        now = self._now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        transitions = int(before.get("leaseTransitions") or 0)
        return {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": round(self._timing.duration_seconds),
            "acquireTime": before.get("acquireTime", now) if mine else now,
            "renewTime": now,
            "leaseTransitions": transitions if mine or not before else transitions + 1,
        }

    def _head(self) -> Manifest:
        metadata = {"name": self._ref.name, "namespace": self._ref.namespace}
        return {"apiVersion": LEASE.api_version, "kind": LEASE.kind, "metadata": metadata}

    async def _get(self) -> Manifest | None:
        return await self._http.find(Request("GET", paths.item(self._ref), LEASE.plural))

    async def _send(self, method: str, lease: Manifest) -> None:
        collection = paths.collection(LEASE, self._ref.namespace)
        path = collection if method == "POST" else paths.item(self._ref)
        await self._http.send(Request(method, path, LEASE.plural, body=lease))
