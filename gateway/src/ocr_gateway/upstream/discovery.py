"""Keeps the balancer true: resolves the endpoints and asks each one whether it is ready."""

import asyncio
import logging

import aiohttp

from ocr_gateway.upstream.answer import OK
from ocr_gateway.upstream.balancer import Balancer, Replica
from ocr_gateway.upstream.resolver import Resolver

PROBE_SECONDS = aiohttp.ClientTimeout(total=2)

log = logging.getLogger(__name__)


class Discovery:
    """A background loop; `run` ends only by cancellation."""

    def __init__(self, resolver: Resolver, balancer: Balancer, session: aiohttp.ClientSession) -> None:
        self._resolver = resolver
        self._balancer = balancer
        self._session = session

    async def run(self, every: float) -> None:
        """Refresh for ever, with a pause of `every` seconds."""
        while True:
            await self.refresh()
            await asyncio.sleep(every)

    async def refresh(self) -> None:
        """Resolve and probe once."""
        try:
            endpoints = await self._resolver.resolve()
        except OSError as error:
            log.warning("model servers could not be resolved", extra={"error": str(error)})
        else:
            before = {replica.endpoint for replica in self._balancer.replicas}
            if endpoints != before:
                names = [endpoint.authority for endpoint in sorted(endpoints)]
                log.info("model servers changed", extra={"endpoints": names})
            self._balancer.update(endpoints)
        await asyncio.gather(*(self._probe(replica) for replica in self._balancer.replicas))

    async def _probe(self, replica: Replica) -> None:
        url = f"http://{replica.endpoint.authority}/v2/health/ready"
        try:
            async with self._session.get(url, timeout=PROBE_SECONDS) as response:
                ready = response.status == OK
        except TimeoutError:
            # Slow is busy, not unready: on a full node every server would be taken out at once.
            return
        except (aiohttp.ClientError, OSError):
            self._balancer.failed(replica)
            return
        self._balancer.judged(replica, ready=ready)
