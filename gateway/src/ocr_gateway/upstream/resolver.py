"""Where the model servers are: by DNS in a cluster, from a file without one."""

import asyncio
import ipaddress
import logging
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ocr_gateway.config import MAX_PORT, HostPort

log = logging.getLogger(__name__)

# A headless Service without ready pods answers with no records, a deleted one with no name.
NO_ADDRESS = frozenset({socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)})


@dataclass(frozen=True, order=True)
class Endpoint:
    """The address of one model server."""

    ip: str
    port: int

    @property
    def authority(self) -> str:
        """`ip:port` as URLs write it."""
        return f"[{self.ip}]:{self.port}" if ":" in self.ip else f"{self.ip}:{self.port}"


class Resolver(Protocol):
    """Finds the model servers."""

    async def resolve(self, target: HostPort) -> frozenset[Endpoint]:
        """All endpoints of that name there are now, perhaps none.

        Raises:
            OSError: it could not be found out; what was known before still holds.
        """
        ...


class DnsResolver:
    """Every A and AAAA record of a name, at one port: a headless Service."""

    async def resolve(self, target: HostPort) -> frozenset[Endpoint]:
        """See `Resolver`."""
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
        except socket.gaierror as error:
            if error.errno in NO_ADDRESS:
                return frozenset()
            raise
        return frozenset(Endpoint(str(address[0]), target.port) for *_, address in found)


@dataclass(frozen=True)
class FileResolver:
    """A file of `ip:port` lines for each name, replaced atomically by whoever runs the model servers."""

    folder: Path

    async def resolve(self, target: HostPort) -> frozenset[Endpoint]:
        """See `Resolver`. A missing file has no endpoints; a line that is no address is left out."""
        path = self.folder / target.host
        try:
            text = await asyncio.to_thread(path.read_text)
        except FileNotFoundError:
            return frozenset()
        found = set()
        for line in filter(None, map(str.strip, text.splitlines())):
            try:
                found.add(parse_endpoint(line))
            except ValueError:
                log.warning("not an ip:port", extra={"file": str(path), "line": line[:80]})
        return frozenset(found)


def parse_endpoint(text: str) -> Endpoint:
    """Parse `ip:port` or `[ip]:port`; raises ValueError."""
    ip, _, port = text.rpartition(":")
    number = int(port)
    if not 1 <= number <= MAX_PORT:
        raise ValueError(f"{number} is not a port")
    return Endpoint(str(ipaddress.ip_address(ip.strip("[]"))), number)
