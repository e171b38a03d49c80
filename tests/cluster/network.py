"""A node's network namespace and the one link to it."""

import ipaddress
import json
import subprocess
from pathlib import Path

from tests.cluster.errors import ClusterError
from tests.cluster.processes import environment

NETWORK = ipaddress.IPv4Network("10.213.0.0/16")


def free_subnet() -> ipaddress.IPv4Network:
    """The first /24 of NETWORK that no route of this machine touches; raise ClusterError if there is none."""
    taken = [ipaddress.ip_network(route["dst"]) for route in _routes() if route["dst"] != "default"]
    for subnet in NETWORK.subnets(new_prefix=24):
        if not any(subnet.overlaps(other) for other in taken):
            return subnet
    raise ClusterError(f"no free subnet in {NETWORK}: `ip route` shows who has it")


def create(namespace: str, link: str, subnet: ipaddress.IPv4Network) -> None:
    """Make the namespace with addresses .1 (our end of the link) and .2 (the node's) of the subnet."""
    ip("netns", "add", namespace)
    ip("link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", namespace)
    ip("address", "add", f"{subnet[1]}/{subnet.prefixlen}", "dev", link)
    ip("link", "set", link, "up")
    ip("-n", namespace, "address", "add", f"{subnet[2]}/{subnet.prefixlen}", "dev", "eth0")
    for device in ("lo", "eth0"):
        ip("-n", namespace, "link", "set", device, "up")
    ip("-n", namespace, "route", "add", "default", "via", str(subnet[1]))


def delete(namespace: str, link: str) -> None:
    """Remove the link and the namespace, as far as they are there."""
    if Path(f"/sys/class/net/{link}").exists():
        ip("link", "delete", link)
    if Path(f"/run/netns/{namespace}").exists():
        ip("netns", "delete", namespace)


def ip(*args: str) -> str:
    """Run `ip ARGS`; raise ClusterError if it fails."""
    result = subprocess.run(
        ["ip", *args], env=environment(Path("/")), capture_output=True, text=True, check=False
    )
    if result.returncode:
        raise ClusterError(f"ip {' '.join(args)}: {result.stderr.strip()}")
    return result.stdout


def _routes() -> list[dict[str, str]]:
    routes: list[dict[str, str]] = json.loads(ip("-4", "-json", "route", "show", "table", "main") or "[]")
    return routes
