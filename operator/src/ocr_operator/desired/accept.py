"""The checks that CEL cannot do. A refused spec builds nothing: the last accepted state keeps running."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from ocr_operator.desired.plan import Facts, operand_version
from ocr_operator.models.operands import Operands
from ocr_operator.models.quantity import amount
from ocr_operator.models.service import OCRService
from ocr_operator.models.spec import Resources

MIN_MEMORY = "32Mi"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a spec is not accepted: a CamelCase reason, and the field with the way out."""

    reason: str
    message: str


def secrets(service: OCRService) -> frozenset[str]:
    """Names of the Secrets that the spec refers to."""
    return frozenset(name for _, name in _references(service))


def _references(service: OCRService) -> Iterator[tuple[str, str]]:
    """Each field that refers to a Secret, and the Secret's name."""
    for variable in service.spec.model_server.env:
        if variable.secret_key_ref:
            yield "spec.modelServer.env", variable.secret_key_ref.name
    gateway = service.spec.gateway
    if gateway.auth.secret_ref:
        yield "spec.gateway.auth.secretRef", gateway.auth.secret_ref.name
    if gateway.auth.jwt:
        yield "spec.gateway.auth.jwt.jwksSecretRef", gateway.auth.jwt.jwks_secret_ref.name
    if gateway.jobs and gateway.jobs.redis:
        yield "spec.gateway.jobs.redis.secretKeyRef", gateway.jobs.redis.secret_key_ref.name
    if gateway.tls:
        yield "spec.gateway.tls.secretRef", gateway.tls.secret_ref.name


def refusals(service: OCRService, operands: Operands, facts: Facts) -> tuple[Refusal, ...]:
    """All reasons to refuse the spec; empty when it is accepted."""
    return tuple(
        refusal
        for check in (
            _version_and_model(service, operands),
            _resources("modelServer", service.spec.model_server.resources),
            _resources("gateway", service.spec.gateway.resources),
            _secrets(service, facts.missing_secrets),
        )
        for refusal in check
    )


def _version_and_model(service: OCRService, operands: Operands) -> Iterator[Refusal]:
    version = operand_version(service, operands)
    operand = operands.find(version)
    if operand is None:
        known = ", ".join(operands.names)
        yield Refusal("UnsupportedVersion", f"spec.version: this operator runs {known}, not {version}")
        return
    name = service.spec.model.name
    model = operand.model(name)
    if model is None:
        known = ", ".join(entry.name for entry in operand.models)
        yield Refusal("UnknownModel", f"spec.model.name: version {version} has {known}, not {name}")
        return
    if unknown := [each for each in service.spec.model.languages if each not in model.languages]:
        known = ", ".join(model.languages)
        yield Refusal(
            "UnknownLanguage", f"spec.model.languages: {name} reads {known}, not {', '.join(unknown)}"
        )


def _resources(field: str, resources: Resources) -> Iterator[Refusal]:
    for resource in ("cpu", "memory"):
        path = f"spec.{field}.resources"
        request, limit = getattr(resources.requests, resource), getattr(resources.limits, resource)
        if request and limit and amount(request) > amount(limit):
            yield Refusal(
                "InvalidResources",
                f"{path}: requests.{resource} {request} is more than limits.{resource} {limit}; "
                "lower the request or raise the limit",
            )
    for part, memory in (("requests", resources.requests.memory), ("limits", resources.limits.memory)):
        if memory and amount(memory) < amount(MIN_MEMORY):
            yield Refusal(
                "InvalidResources",
                f"spec.{field}.resources.{part}.memory: {memory} is under {MIN_MEMORY}; write Mi or Gi",
            )


def _secrets(service: OCRService, missing: Collection[str]) -> Iterator[Refusal]:
    for field, name in sorted(set(_references(service))):
        if name in missing:
            yield Refusal(
                "SecretNotFound", f"{field}: no Secret {name} in this namespace; create it or name another"
            )
