"""What CEL cannot see is refused by the operator, in words that say what to write instead."""

from __future__ import annotations

from typing import Any

import pytest

from ocr_operator.desired.accept import claims, refusals, secrets
from ocr_operator.desired.plan import Facts
from tests.unit.samples import OPERANDS, ocr_service

OWN = {
    "name": "receipts",
    "languages": ["xx"],
    "source": {"persistentVolumeClaim": {"claimName": "models"}},
    "sha256": "0" * 64,
}

SERVER = {"url": "https://models.example.com/receipts/"}


def fetched(**http: Any) -> dict[str, Any]:
    """A spec with an own model of a server."""
    return {"model": {**OWN, "source": {"http": {**SERVER, **http}}}}


@pytest.mark.parametrize(
    ("spec", "reason", "words"),
    [
        (
            {"model": {"name": "gpt"}},
            "UnknownModel",
            "spec.model.name: version 0.1.0 has balanced, ppocrv4",
        ),
        (
            {"model": {"name": "ppocrv4", "languages": ["en", "de", "pl"]}},
            "UnknownLanguage",
            "spec.model.languages: ppocrv4 reads zh, en, not de, pl",
        ),
        (
            {"model": {**OWN, "name": "balanced"}},
            "ModelNameTaken",
            "spec.model.name: version 0.1.0 has a model balanced of its own; give the one",
        ),
        (
            {"version": "9.9.9"},
            "UnsupportedVersion",
            "spec.version: this operator runs 0.1.0, 0.2.0, not 9.9.9",
        ),
        (
            {"modelServer": {"resources": {"requests": {"cpu": 2}, "limits": {"cpu": "1500m"}}}},
            "InvalidResources",
            "spec.modelServer.resources: requests.cpu 2 is more than limits.cpu 1500m",
        ),
        (
            {"gateway": {"resources": {"limits": {"memory": "512"}}}},
            "InvalidResources",
            "spec.gateway.resources.limits.memory: 512 is under 32Mi",
        ),
    ],
)
def test_a_spec_that_cannot_run_is_refused_by_field(spec: dict[str, Any], reason: str, words: str) -> None:
    (refusal,) = refusals(ocr_service(spec), OPERANDS, Facts())
    assert refusal.reason == reason
    assert words in refusal.message


def test_a_missing_secret_is_refused_by_name() -> None:
    service = ocr_service(
        {"modelServer": {"env": [{"name": "TOKEN", "secretKeyRef": {"name": "s", "key": "k"}}]}}
    )
    assert secrets(service) == {"s"}
    (refusal,) = refusals(service, OPERANDS, Facts(missing_secrets=frozenset({"s"})))
    assert refusal.reason == "SecretNotFound"
    assert "no Secret s in this namespace" in refusal.message


@pytest.mark.parametrize(
    ("gateway", "field"),
    [
        ({"auth": {"type": "APIKey", "secretRef": {"name": "s"}}}, "auth.secretRef"),
        (
            {
                "auth": {
                    "type": "JWT",
                    "jwt": {"issuer": "i", "audience": "a", "jwksSecretRef": {"name": "s"}},
                }
            },
            "auth.jwt.jwksSecretRef",
        ),
        ({"tls": {"secretRef": {"name": "s"}}}, "tls.secretRef"),
        (
            {"jobs": {"store": "Redis", "redis": {"secretKeyRef": {"name": "s", "key": "url"}}}},
            "jobs.redis.secretKeyRef",
        ),
    ],
)
def test_a_missing_secret_of_the_gateway_is_refused_by_field(gateway: dict[str, Any], field: str) -> None:
    service = ocr_service({"gateway": gateway})
    assert secrets(service) == {"s"}
    assert refusals(service, OPERANDS, Facts()) == ()
    (refusal,) = refusals(service, OPERANDS, Facts(missing_secrets=frozenset({"s"})))
    assert refusal.message == (
        f"spec.gateway.{field}: no Secret s in this namespace; create it or name another"
    )


def test_a_missing_pull_secret_is_refused_by_field() -> None:
    service = ocr_service({"imagePullSecrets": [{"name": "registry"}]})
    assert secrets(service) == {"registry"}
    (refusal,) = refusals(service, OPERANDS, Facts(missing_secrets=frozenset({"registry"})))
    assert refusal.message.startswith("spec.imagePullSecrets: no Secret registry in this namespace")


def test_the_secret_of_an_ingress_may_come_later_for_cert_manager_makes_it_from_the_ingress() -> None:
    service = ocr_service({"expose": {"ingress": {"host": "a.b", "tlsSecretRef": {"name": "web"}}}})
    assert secrets(service) == {"web"}
    assert refusals(service, OPERANDS, Facts(missing_secrets=frozenset({"web"}))) == ()


def block(**members: object) -> dict[str, Any]:
    """A spec that lets these addresses in."""
    return {"networkPolicy": {"ingressFrom": [{"ipBlock": members}]}}


CIDR = "spec.networkPolicy.ingressFrom[0].ipBlock.cidr: "
EXCEPT = "spec.networkPolicy.ingressFrom[0].ipBlock.except[0]: "
LEFT = {"ipBlock": {"cidr": "fd00::/129"}}


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (block(cidr="10.0.0.1/8"), CIDR + "10.0.0.1/8 has host bits set; write a network such as 10.0.0.0/8"),
        (block(cidr="300.0.0.0/8"), CIDR + "'300.0.0.0/8' does not appear to be an IPv4 or IPv6 network"),
        (
            block(**{"cidr": "10.0.0.0/8", "except": ["192.0.2.0/24"]}),
            EXCEPT + "192.0.2.0/24 is not a smaller part of 10.0.0.0/8",
        ),
        (block(**{"cidr": "10.0.0.0/8", "except": ["10.0.0.0/8"]}), EXCEPT + "10.0.0.0/8 is not a smaller"),
        (block(**{"cidr": "10.0.0.0/8", "except": ["fd00::/16"]}), EXCEPT + "fd00::/16 is not a smaller"),
        ({"networkPolicy": {"metricsFrom": [LEFT]}}, "spec.networkPolicy.metricsFrom[0].ipBlock.cidr: "),
        (
            {"networkPolicy": {"extraEgress": [{"to": [LEFT]}]}},
            "spec.networkPolicy.extraEgress[0].to[0].ipBlock.cidr: ",
        ),
        (
            {"expose": {"service": {"type": "LoadBalancer", "loadBalancerSourceRanges": ["10.0.0.1/8"]}}},
            "spec.expose.service.loadBalancerSourceRanges[0]: 10.0.0.1/8 has host bits set",
        ),
        (
            {"model": {**OWN, "source": {"http": {"url": "https://a:65536/"}}}},
            "spec.model.source.http.url: port 65536 is more than 65535",
        ),
        (
            {"observability": {"tracing": {"endpoint": "http://a:65536"}}},
            "spec.observability.tracing.endpoint: port 65536 is more than 65535",
        ),
    ],
)
def test_what_no_network_policy_could_take_is_refused_by_field(spec: dict[str, Any], words: str) -> None:
    (refusal,) = refusals(ocr_service(spec), OPERANDS, Facts())
    assert refusal.reason == "InvalidNetwork"
    assert words in refusal.message


def test_a_part_of_a_network_may_be_left_out() -> None:
    spec = block(**{"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]})
    assert refusals(ocr_service(spec), OPERANDS, Facts()) == ()


def test_an_empty_spec_is_accepted() -> None:
    assert refusals(ocr_service(), OPERANDS, Facts()) == ()


def test_a_held_version_that_the_operator_lost_is_refused_not_replaced() -> None:
    held = {"version": {"operand": "0.0.1", "operator": "0.0.1"}}
    for spec in ({}, {"upgradePolicy": "Auto"}):
        (refusal,) = refusals(ocr_service(spec, status=held), OPERANDS, Facts())
        assert refusal.reason == "UnsupportedVersion"
        assert refusal.message.startswith(
            "version 0.0.1 keeps running, but this operator has only 0.1.0, 0.2.0"
        )


def test_a_version_that_is_asked_for_and_unknown_is_refused_by_the_name_of_its_field() -> None:
    (refusal,) = refusals(ocr_service({"version": "7.0.0"}), OPERANDS, Facts())
    assert refusal.message == "spec.version: this operator runs 0.1.0, 0.2.0, not 7.0.0"


def test_an_own_model_needs_no_entry_in_the_catalogue_and_says_itself_what_it_reads() -> None:
    assert refusals(ocr_service({"model": OWN}), OPERANDS, Facts()) == ()


def test_a_missing_claim_is_refused_by_its_field() -> None:
    service = ocr_service({"model": OWN})
    assert claims(service) == {"models"}
    assert claims(ocr_service()) == frozenset()
    (refusal,) = refusals(service, OPERANDS, Facts(missing_claims=frozenset({"models"})))
    assert refusal.reason == "ClaimNotFound"
    assert refusal.message.startswith(
        "spec.model.source.persistentVolumeClaim: no PersistentVolumeClaim models in this namespace"
    )


@pytest.mark.parametrize("field", ["authorization", "caBundle"])
def test_a_missing_secret_of_a_models_server_is_refused_by_its_field(field: str) -> None:
    service = ocr_service(fetched(**{field: {"secretKeyRef": {"name": "model-host", "key": "x"}}}))
    assert (secrets(service), claims(service)) == ({"model-host"}, frozenset())
    (refusal,) = refusals(service, OPERANDS, Facts(missing_secrets=frozenset({"model-host"})))
    assert refusal.reason == "SecretNotFound"
    assert refusal.message.startswith(
        f"spec.model.source.http.{field}.secretKeyRef: no Secret model-host in this namespace"
    )


def test_a_models_server_needs_no_secret() -> None:
    service = ocr_service(fetched())
    assert secrets(service) == frozenset()
    assert refusals(service, OPERANDS, Facts()) == ()
