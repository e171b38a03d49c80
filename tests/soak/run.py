"""One run: the service on its node, clients, disturbances, and what was seen."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from redis import Redis
from redis.exceptions import ConnectionError as NotThereYet

from tests.cluster.dev import RELEASE
from tests.cluster.node import Node
from tests.e2e import world
from tests.e2e.platform import Platform
from tests.e2e.world import NAME, World, eventually
from tests.soak import samples
from tests.soak.asks import schedule
from tests.soak.clients import API_KEY, Ledger, clients
from tests.soak.disturbances import Stage, disturb
from tests.soak.documents import MAX_BODY_BYTES, MAX_PAGES, MAX_PIXELS
from tests.soak.leftovers import leftovers
from tests.soak.samples import Life

PASSWORD = "open-sesame"  # noqa: S105 - of a server that lives for one run
REDIS_PORT = 6399
COMPONENTS = {
    "gateway": f"{NAME}-gateway-",
    "model server": f"{NAME}-model-server-",
    "operator": f"{RELEASE}-",
}
SPEC: dict[str, Any] = {
    "model": {"name": "fast", "languages": ["en"]},
    "modelServer": world.SPEC["modelServer"],
    "gateway": {
        "replicas": 2,
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "2Gi"}},
        "drainSeconds": 8,
        "limits": {"maxBodyBytes": MAX_BODY_BYTES, "maxPages": MAX_PAGES, "maxImagePixels": MAX_PIXELS},
        "auth": {"type": "APIKey", "secretRef": {"name": "keys"}},
        "jobs": {
            "store": "Redis",
            "redis": {"secretKeyRef": {"name": "redis", "key": "url"}},
            "ttlSeconds": 60,
            "maxJobs": 10_000,
        },
    },
    "expose": world.SPEC["expose"],
}


@dataclass(frozen=True)
class Seen:
    """All that a run tells; `restarts` are of containers that ended by themselves, `left` is still held."""

    seconds: float
    seed: int
    ledger: Ledger
    disturbances: tuple[str, ...]
    failures: tuple[str, ...]
    lives: dict[str, list[Life]]
    restarts: dict[str, int]
    left: tuple[str, ...]

    @property
    def faults(self) -> list[str]:
        """What must not be; empty after a good run."""
        growing = [life for lives in self.lives.values() for life in lives if not life.is_flat]
        return [
            *self.ledger.unexplained,
            *self.failures,
            *(f"{life.pod} grows: {life}" for life in growing),
            *(f"{pod} restarted {count} times" for pod, count in self.restarts.items() if count),
            *self.left,
        ]


def soak(service: World, platform: Platform, seconds: float, seed: int) -> Seen:
    """Send and disturb for so long; the service is made here, in a namespace of its own."""
    with _redis(platform.node) as url:
        _secret(service, "redis", {"url": url})
        _secret(service, "keys", {"soak": API_KEY})
        stage = Stage(service, platform, SPEC)
        service.apply(**SPEC)
        service.settle()
        started = time.monotonic()
        with samples.sampled(platform.node) as found, clients(service.url, schedule(seed), seed) as ledger:
            disturb(stage, seed, seconds)
        left = tuple(leftovers(service))
        lives = {name: samples.lives(found, prefix) for name, prefix in COMPONENTS.items()}
        took = time.monotonic() - started
        return Seen(took, seed, ledger, tuple(stage.done), tuple(stage.failures), lives, service.pods(), left)


def _secret(service: World, name: str, values: dict[str, str]) -> None:
    head = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}}
    service.kubectl.apply({**head, "stringData": values})


@contextmanager
def _redis(node: Node) -> Iterator[str]:
    """The URL of a Redis beside the node, where its pods reach it."""
    flags = ("--bind", node.address, "--port", str(REDIS_PORT), "--save", "", "--requirepass", PASSWORD)
    command = [*node.in_network, "redis-server", *flags]
    url = f"redis://:{PASSWORD}@{node.address}:{REDIS_PORT}/0"
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        with Redis.from_url(url) as redis:
            eventually(lambda: _answers(redis), "Redis answers", 20)
        yield url
    finally:
        process.terminate()
        process.wait()


def _answers(redis: Redis) -> bool:
    try:
        return bool(redis.ping())
    except NotThereYet:
        return False
