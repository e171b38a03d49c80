"""An OCRService with everything on: who may read, what is kept secret, and that it rests in the end."""

from __future__ import annotations

import dataclasses
import json
import ssl
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.cluster.kubectl import CommandError
from tests.e2e import world
from tests.e2e.platform import Platform
from tests.e2e.steady import assert_nothing_is_written
from tests.e2e.world import INVOICE, TEXT, World, eventually, restricted
from tests.unit.access_kit import AUDIENCE, ISSUER, Issuer, certificate

API_KEY = "a-key-of-accounting-0123456789"
PNG = {"content-type": "image/png", "accept": "text/plain"}
# Pods are few, and stay: this is about all features together, not about each.
SPEC: dict[str, Any] = {
    "model": {"name": "fast", "languages": ["en"]},
    "modelServer": {
        "resources": world.SPEC["modelServer"]["resources"],
        "autoscaling": {
            "minReplicas": 1,
            "maxReplicas": 2,
            "metrics": [{"type": "CPU", "target": 1000}],
            "schedules": [
                {
                    "name": "always",
                    "timeZone": "Europe/Berlin",
                    "start": "00:00",
                    "end": "24:00",
                    "minReplicas": 2,
                }
            ],
        },
    },
    "gateway": {
        **world.SPEC["gateway"],
        "replicas": 1,
        "auth": {"type": "APIKey", "secretRef": {"name": "keys"}},
        "tls": {"secretRef": {"name": "web"}},
        "limits": {"ratePerClient": {"requestsPerSecond": 50}},
        "jobs": {"store": "Memory"},
    },
    "rollout": {"strategy": "Canary", "canary": {"steps": [{"weight": 50, "pauseSeconds": 1}]}},
    "expose": world.SPEC["expose"],
}
JWT = {
    "type": "JWT",
    "jwt": {"issuer": ISSUER, "audience": AUDIENCE, "jwksSecretRef": {"name": "issuer"}},
}


@dataclasses.dataclass(frozen=True)
class Protected:
    """The service, and what opens it."""

    world: World
    issuer: Issuer
    chain: bytes
    key: bytes

    @cached_property
    def trusting(self) -> ssl.SSLContext:
        """Trusts the service's own certificate, whatever the address: it is the node's here."""
        context = ssl.create_default_context(cadata=self.chain.decode())
        context.check_hostname = False
        return context

    def read(self, **headers: str) -> httpx.Response:
        """One page over TLS."""
        url = self.world.url.replace("http://", "https://")
        sent = {**PNG, **headers}
        return httpx.post(
            f"{url}/v1/ocr", content=INVOICE.image, headers=sent, verify=self.trusting, timeout=60
        )


@pytest.fixture(scope="module")
def protected(platform: Platform, metrics_server: None) -> Iterator[Protected]:
    chain, key = certificate()
    with restricted(platform.node) as made:
        found = Protected(made, Issuer(), chain, key)
        _secret(made, "keys", {"accounting": API_KEY})
        _secret(made, "issuer", {"jwks.json": found.issuer.key_set.decode()})
        _secret(made, "web", {"tls.crt": chain.decode(), "tls.key": key.decode()}, "kubernetes.io/tls")
        made.apply(**SPEC)
        made.settle()
        yield found


def _secret(made: World, name: str, values: dict[str, str], kind: str = "Opaque") -> None:
    head = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}}
    made.kubectl.apply({**head, "type": kind, "stringData": values})


def test_a_key_of_the_secret_opens_it_over_tls_and_nothing_else_does(protected: Protected) -> None:
    assert protected.read(**{"x-api-key": API_KEY}).text.strip() == TEXT
    assert protected.read().status_code == 401
    assert protected.read(**{"x-api-key": "another-key-of-somebody-0123"}).status_code == 401
    with pytest.raises(httpx.HTTPError):
        httpx.get(f"{protected.world.url}/readyz").raise_for_status()


def test_nothing_is_written_with_everything_on(protected: Protected) -> None:
    made = protected.world
    eventually(lambda: made.conditions()["AutoscalingActive"][0] == "True", "the load is known", 120)
    assert len(made.pods("model-server")) == 2
    assert_nothing_is_written(made)


def test_no_container_can_write_its_root_and_no_secret_is_told_anywhere(
    protected: Protected, platform: Platform
) -> None:
    made, kubectl = protected.world, protected.world.kubectl
    for pod in made.pods():
        with pytest.raises(CommandError, match="Read-only file system"):
            kubectl.run("exec", pod, "--", "python", "-c", "open('/written', 'w')")
    assert protected.read(**{"x-api-key": API_KEY}).status_code == 200

    everything = [
        kubectl.run("get", "all,configmaps,ingresses,networkpolicies,ocrservices,events", "--output=yaml"),
        *(kubectl.run("logs", pod, "--all-containers") for pod in made.pods()),
        platform.kubectl.run("logs", "--selector=app.kubernetes.io/name=ocr-operator", "--tail=-1"),
        platform.kubectl.run("get", "events", "--output=yaml"),
        *(file.read_text(errors="replace") for file in _of_the_pods(made)),
    ]
    assert sum(map(len, everything)) > 20_000
    private = protected.key.decode().splitlines()[1]
    for secret in (API_KEY, private):
        assert [text[:200] for text in everything if secret in text] == []


def _of_the_pods(made: World) -> Iterator[Path]:
    """Command lines and environments of all processes in the pods."""
    found = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            line = (process / "cmdline").read_text()
        except OSError:  # it has ended
            continue
        if "ocr-gateway" in line or "ocr-modelserver" in line:
            found += 1
            yield process / "cmdline"
            yield process / "environ"
    assert found >= len(made.pods())


def test_a_token_of_the_issuer_opens_it_once_the_spec_asks_for_tokens(protected: Protected) -> None:
    made = protected.world
    made.apply(**{**SPEC, "gateway": {**SPEC["gateway"], "auth": JWT}})
    made.settle()
    bearer = {"authorization": f"Bearer {protected.issuer.token()}"}
    answer = eventually(
        lambda: (found := protected.read(**bearer)).status_code == 200 and found, "tokens are taken"
    )
    assert answer.text.strip() == TEXT
    assert protected.read(**{"x-api-key": API_KEY}).status_code == 401
    stranger = Issuer().token()
    assert protected.read(authorization=f"Bearer {stranger}").status_code == 401
    assert json.dumps(made.status()).count(ISSUER) == 0
