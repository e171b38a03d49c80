"""What CEL cannot see is refused by the operator, in words that say what to write instead."""

from __future__ import annotations

from typing import Any

import pytest

from ocr_operator.desired.accept import refusals, secrets
from ocr_operator.desired.plan import Facts
from tests.unit.samples import OPERANDS, ocr_service


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


def test_an_empty_spec_is_accepted() -> None:
    assert refusals(ocr_service(), OPERANDS, Facts()) == ()


def test_a_held_version_that_the_operator_lost_is_refused_not_replaced() -> None:
    held = {"version": {"operand": "0.0.1", "operator": "0.0.1"}}
    (refusal,) = refusals(ocr_service(status=held), OPERANDS, Facts())
    assert refusal.reason == "UnsupportedVersion"
