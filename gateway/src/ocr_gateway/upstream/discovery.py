"""Keeps the balancer true: resolves the endpoints of all upstreams and asks them whether they are ready."""

import asyncio
import itertools
import logging

import aiohttp

from ocr_gateway.upstream.answer import OK
from ocr_gateway.upstream.balancer import Balancer, Replica
from ocr_gateway.upstream.resolver import Endpoint, Resolver
from ocr_gateway.upstream.traffic import Traffic

# The kernel takes connections for a busy program, too: what takes none though asked twice is gone.
PROBE_SECONDS = aiohttp.ClientTimeout(total=2, sock_connect=1.5)
# In one round, so that a thousand model servers do not get a thousand questions a second of every gateway.
PROBES = 50

log = logging.getLogger(__name__)


class Discovery:
    """A background loop; `run` ends only by cancellation."""

    def __init__(
        self, traffic: Traffic, resolver: Resolver, balancer: Balancer, session: aiohttp.ClientSession
    ) -> None:
        self._traffic = traffic
        self._resolver = resolver
        self._balancer = balancer
        self._session = session
        self._asked: dict[Replica, int] = {}
        self._rounds = itertools.count(1)

    async def run(self, every: float) -> None:
        """Refresh for ever, with a pause of `every` seconds."""
        while True:
            await self.refresh()
            await asyncio.sleep(every)

    async def refresh(self) -> None:
        """Resolve and probe once."""
        targets = self._traffic.split.targets
        self._balancer.keep([target.host for target in targets])
        for target in targets:
            try:
                self._found(target.host, await self._resolver.resolve(target))
            except OSError as error:
                log.warning("model servers could not be resolved", extra={"error": str(error)})
        await asyncio.gather(*(self._probe(replica) for replica in self._due()))

    def _due(self) -> list[Replica]:
        """Those not known to be ready, then the ones that were not asked for the longest time."""
        replicas = self._balancer.replicas
        asked = {replica: self._asked.get(replica, 0) for replica in replicas}
        due = sorted(replicas, key=lambda replica: (replica.ready is True, asked[replica]))[:PROBES]
        self._asked = asked | dict.fromkeys(due, next(self._rounds))
        return due

    def _found(self, upstream: str, endpoints: frozenset[Endpoint]) -> None:
        before = {replica.endpoint for replica in self._balancer.replicas if replica.upstream == upstream}
        if endpoints != before:
            names = [endpoint.authority for endpoint in sorted(endpoints)]
            log.info("model servers changed", extra={"upstream": upstream, "endpoints": names})
        self._balancer.update(endpoints, upstream)

    async def _probe(self, replica: Replica) -> None:
        url = f"http://{replica.endpoint.authority}/v2/health/ready"
        try:
            async with self._session.get(url, timeout=PROBE_SECONDS) as response:
                ready = response.status == OK
        except (aiohttp.ClientError, OSError) as error:
            if isinstance(error, aiohttp.ConnectionTimeoutError):
                self._balancer.silent(replica)
            # A slow answer is a busy server's, not an unready one's: on a full node all would be out at once.
            elif not isinstance(error, TimeoutError):
                self._balancer.failed(replica)
            return
        self._balancer.judged(replica, ready=ready)
