"""Whether networks and ports of a spec are what they look like: their patterns only know the characters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final

from ocr_operator.models.network import IpBlock, Peer
from ocr_operator.models.spec import Spec

PORTS: Final = 65_535


def problems(spec: Spec) -> Iterator[str]:
    """Each field that no network policy could take, with the reason."""
    for field, peer in _peers(spec):
        if peer.ip_block is not None:
            yield from _block(f"{field}.ipBlock", peer.ip_block)
    for place, text in enumerate(spec.expose.service.load_balancer_source_ranges):
        network = _network(text)
        if isinstance(network, str):
            yield f"spec.expose.service.loadBalancerSourceRanges[{place}]: {network}"
    for field, port in _ports(spec):
        if port > PORTS:
            yield f"{field}: port {port} is more than {PORTS}"


def _ports(spec: Spec) -> Iterator[tuple[str, int]]:
    """Each URL's port."""
    if tracing := spec.observability.tracing:
        yield "spec.observability.tracing.endpoint", tracing.port
    if (source := spec.model.source) and source.http:
        yield "spec.model.source.http.url", source.http.port


def _peers(spec: Spec) -> Iterator[tuple[str, Peer]]:
    policy, jobs = spec.network_policy, spec.gateway.jobs
    yield from _each("spec.networkPolicy.ingressFrom", policy.ingress_from)
    yield from _each("spec.networkPolicy.metricsFrom", policy.metrics_from)
    for place, egress in enumerate(policy.extra_egress):
        yield from _each(f"spec.networkPolicy.extraEgress[{place}].to", egress.to)
    if jobs and jobs.redis:
        yield from _each("spec.gateway.jobs.redis.egressTo", jobs.redis.egress_to)


def _each(field: str, peers: Iterable[Peer]) -> Iterator[tuple[str, Peer]]:
    return ((f"{field}[{place}]", peer) for place, peer in enumerate(peers))


def _block(field: str, block: IpBlock) -> Iterator[str]:
    whole = _network(block.cidr)
    if isinstance(whole, str):
        yield f"{field}.cidr: {whole}"
        return
    for place, text in enumerate(block.but):
        part = _network(text)
        if isinstance(part, str):
            yield f"{field}.except[{place}]: {part}"
        elif not _within(part, whole):
            yield f"{field}.except[{place}]: {text} is not a smaller part of {block.cidr}"


def _network(text: str) -> IPv4Network | IPv6Network | str:
    """The network, or what is wrong with it."""
    try:
        return ip_network(text)
    except ValueError as error:
        return f"{error}; write a network such as 10.0.0.0/8 or fd00::/8"


def _within(part: IPv4Network | IPv6Network, whole: IPv4Network | IPv6Network) -> bool:
    """Whether it is less than the whole, as the API server wants it."""
    smaller = part.version == whole.version and part.prefixlen > whole.prefixlen
    return smaller and part.network_address in whole
