"""The checks that CEL cannot do. A refused spec builds nothing: the last accepted state keeps running."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from ocr_operator.desired.autoscaler import DEFAULT_METRICS
from ocr_operator.desired.networks import problems
from ocr_operator.desired.plan import Facts, operand_version
from ocr_operator.desired.schedules import zone
from ocr_operator.models.compute import Resources
from ocr_operator.models.gateway import Gateway
from ocr_operator.models.model_server import ModelServer, ModelSource
from ocr_operator.models.operands import Operand, Operands
from ocr_operator.models.profile import with_profile
from ocr_operator.models.quantity import amount
from ocr_operator.models.reasons import Passed, Reason
from ocr_operator.models.service import OCRService

MIN_MEMORY = "32Mi"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a spec is not accepted: a reason, and the field with the way out."""

    reason: Reason | Passed
    message: str


def secrets(service: OCRService) -> frozenset[str]:
    """Names of the Secrets that the spec refers to."""
    ingress = service.spec.expose.ingress
    # cert-manager makes this one when the Ingress is there, so it refuses nothing.
    late = {ingress.tls_secret_ref.name} if ingress and ingress.tls_secret_ref else set()
    return frozenset(name for _, name in _references(service)) | late


def _references(service: OCRService) -> Iterator[tuple[str, str]]:
    """Each field that refers to a Secret which must be there, and the Secret's name."""
    for secret in service.spec.image_pull_secrets:
        yield "spec.imagePullSecrets", secret.name
    yield from _of_the_model(service.spec.model.source)
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


def _of_the_model(source: ModelSource | None) -> Iterator[tuple[str, str]]:
    if source is None or source.http is None:
        return
    for name, value in (("authorization", source.http.authorization), ("caBundle", source.http.ca_bundle)):
        if value:
            yield f"spec.model.source.http.{name}.secretKeyRef", value.secret_key_ref.name


def claims(service: OCRService) -> frozenset[str]:
    """Names of the PersistentVolumeClaims that the spec refers to."""
    source = service.spec.model.source
    claim = source.persistent_volume_claim if source else None
    return frozenset({claim.claim_name} if claim else ())


def refusals(service: OCRService, operands: Operands, facts: Facts) -> tuple[Refusal, ...]:
    """All reasons to refuse the spec; empty when it is accepted."""
    return tuple(
        replace(refusal, message=with_profile(refusal.message, service.profile))
        if service.profile
        else refusal
        for check in (
            _version_and_model(service, operands),
            _resources("modelServer", service.spec.model_server.resources),
            _resources("gateway", service.spec.gateway.resources),
            _autoscaling("modelServer", service.spec.model_server),
            _autoscaling("gateway", service.spec.gateway),
            _secrets(service, facts.missing_secrets),
            _claims(service, facts.missing_claims),
            (Refusal(Reason.INVALID_NETWORK, problem) for problem in problems(service.spec)),
        )
        for refusal in check
    )


def _version_and_model(service: OCRService, operands: Operands) -> Iterator[Refusal]:
    version = operand_version(service, operands)
    operand = operands.find(version)
    if operand is not None:
        yield from misfits(service, operand)
        return
    known = ", ".join(operands.names)
    if service.spec.version:
        yield Refusal(Reason.UNSUPPORTED_VERSION, f"spec.version: this operator runs {known}, not {version}")
    else:
        yield Refusal(
            Reason.UNSUPPORTED_VERSION,
            f"version {version} keeps running, but this operator has only {known}; "
            "bring back one that has it, or set spec.version, with upgradePolicy: Manual",
        )


def misfits(service: OCRService, operand: Operand) -> Iterator[Refusal]:
    """What the spec asks for and that version has not."""
    name = service.spec.model.name
    model = operand.model(name)
    if service.spec.model.source:
        if model is not None:
            yield Refusal(
                Reason.MODEL_NAME_TAKEN,
                f"spec.model.name: version {operand.version} has a model {name} of its own; "
                "give the one of spec.model.source another name",
            )
        return
    if model is None:
        known = ", ".join(entry.name for entry in operand.models)
        yield Refusal(
            Reason.UNKNOWN_MODEL, f"spec.model.name: version {operand.version} has {known}, not {name}"
        )
        return
    if unknown := [each for each in service.spec.model.languages if each not in model.languages]:
        known = ", ".join(model.languages)
        yield Refusal(
            Reason.UNKNOWN_LANGUAGE, f"spec.model.languages: {name} reads {known}, not {', '.join(unknown)}"
        )


def _resources(field: str, resources: Resources) -> Iterator[Refusal]:
    for resource in ("cpu", "memory"):
        path = f"spec.{field}.resources"
        request, limit = getattr(resources.requests, resource), getattr(resources.limits, resource)
        if request and limit and amount(request) > amount(limit):
            yield Refusal(
                Reason.INVALID_RESOURCES,
                f"{path}: requests.{resource} {request} is more than limits.{resource} {limit}; "
                "lower the request or raise the limit",
            )
    for part, memory in (("requests", resources.requests.memory), ("limits", resources.limits.memory)):
        if memory and amount(memory) < amount(MIN_MEMORY):
            yield Refusal(
                Reason.INVALID_RESOURCES,
                f"spec.{field}.resources.{part}.memory: {memory} is under {MIN_MEMORY}; write Mi or Gi",
            )


def _autoscaling(field: str, component: ModelServer | Gateway) -> Iterator[Refusal]:
    if component.autoscaling is None:
        return
    for schedule in component.autoscaling.schedules:
        if zone(schedule.time_zone) is None:
            yield Refusal(
                Reason.UNKNOWN_TIME_ZONE,
                f"spec.{field}.autoscaling.schedules: {schedule.name} names the unknown time zone "
                f"{schedule.time_zone}; write one of the IANA database, such as Europe/Berlin",
            )
    # A limit without a request is one, too.
    requests, limits = component.resources.requests, component.resources.limits
    asked = {"CPU": requests.cpu or limits.cpu, "Memory": requests.memory or limits.memory}
    for metric in component.autoscaling.metrics or DEFAULT_METRICS:
        if metric.type in asked and not amount(asked[metric.type] or "0"):
            yield Refusal(
                Reason.INVALID_AUTOSCALING,
                f"spec.{field}.autoscaling.metrics: {metric.type} is counted in percent of the request, "
                f"and there is none; set spec.{field}.resources.requests.{metric.type.lower()}",
            )


def _secrets(service: OCRService, missing: Collection[str]) -> Iterator[Refusal]:
    for field, name in sorted(set(_references(service))):
        if name in missing:
            yield Refusal(
                Reason.SECRET_NOT_FOUND,
                f"{field}: no Secret {name} in this namespace; create it or name another",
            )


def _claims(service: OCRService, missing: Collection[str]) -> Iterator[Refusal]:
    for name in sorted(claims(service).intersection(missing)):
        yield Refusal(
            Reason.CLAIM_NOT_FOUND,
            f"spec.model.source.persistentVolumeClaim: no PersistentVolumeClaim {name} in this namespace; "
            "create it or name another",
        )
