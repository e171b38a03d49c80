"""The model servers' Deployment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from ocr_operator.desired import tracing
from ocr_operator.desired.deployment import (
    ClaimFolder,
    FilledFolder,
    Preparation,
    Program,
    SecretFolder,
    build_deployment,
)
from ocr_operator.desired.plan import Plan
from ocr_operator.models.manifest import Manifest
from ocr_operator.models.model_server import EnvVar, HttpFolder, Model, ModelSource
from ocr_operator.models.names import MODEL_SERVER, PULL_MODEL

# ocr-modelserver pull brings 4 GiB at most.
PULLED: Final = FilledFolder("model", "5Gi")


def build_model_server(plan: Plan, slot: str) -> Manifest:
    """The Deployment of the ONNX Runtime model servers of one revision."""
    spec = plan.service.spec
    runtime, limits = spec.model_server.runtime, spec.gateway.limits
    return build_deployment(
        plan,
        slot,
        Program(
            name=MODEL_SERVER,
            image=plan.operand.model_server,
            arguments=(
                f"--service={plan.service.metadata.name}",
                f"--model={spec.model.name}",
                *_own(spec.model),
                *([f"--languages={','.join(spec.model.languages)}"] if spec.model.languages else []),
                f"--threads={plan.threads}",
                f"--mode={runtime.mode}",
                f"--max-queue={runtime.max_queue}",
                "--warmup" if runtime.warmup else "--no-warmup",
                f"--max-image-pixels={limits.max_image_pixels}",
                f"--max-pages={limits.max_pages}",
                f"--log-level={spec.observability.log_level}",
            ),
            environment=tuple(_environment(plan)),
            resources=spec.model_server.resources,
            startup_path="/readyz",
            startup_seconds=spec.model_server.startup_timeout_seconds,
            drain_seconds=spec.gateway.drain_seconds,
            request_seconds=limits.request_timeout_seconds,
            folders=(_folder(spec.model.source),) if spec.model.source else (),
            preparation=_pull(plan),
        ),
    )


def _folder(source: ModelSource) -> ClaimFolder | FilledFolder:
    claim = source.persistent_volume_claim
    return ClaimFolder("model", claim.claim_name) if claim else PULLED


def _own(model: Model) -> Iterator[str]:
    """Where the own model is, and which one it must be."""
    if model.source:
        claim = model.source.persistent_volume_claim
        within = f"/{claim.path}" if claim and claim.path else ""
        yield f"--model-dir={_folder(model.source).path}{within}"
        yield f"--model-sha256={model.sha256}"


def _pull(plan: Plan) -> Preparation | None:
    """How the own model gets into its folder, if a server has it."""
    model, seconds = plan.service.spec.model, plan.service.spec.model_server.startup_timeout_seconds
    if model.source is None or model.source.http is None:
        return None
    credentials = tuple(_credentials(model.source.http))
    return Preparation(
        name=PULL_MODEL,
        arguments=(
            "pull",
            f"--url={model.source.http.url}",
            f"--sha256={model.sha256}",
            f"--dest={PULLED.path}",
            f"--timeout-seconds={seconds}",
            *(f"--{flag}={folder.path}/{key}" for flag, folder, key in credentials),
        ),
        fills=PULLED,
        folders=tuple(folder for _, folder, _ in credentials),
        seconds=seconds,
    )


def _credentials(http: HttpFolder) -> Iterator[tuple[str, SecretFolder, str]]:
    """Flag, Secret and key of each: as folders, so that a new value needs no new pods."""
    if http.authorization:
        of = http.authorization.secret_key_ref
        yield "authorization-file", SecretFolder("model-authorization", of.name), of.key
    if http.ca_bundle:
        of = http.ca_bundle.secret_key_ref
        yield "ca-file", SecretFolder("model-ca", of.name), of.key


def _environment(plan: Plan) -> Iterator[dict[str, Any]]:
    """The user's variables, and ours of a name that is not among them."""
    own = plan.service.spec.model_server.env
    yield from map(_variable, own)
    names = {variable.name for variable in own}
    ours = tracing.environment(plan, tracing.MODEL_SERVER_SAMPLER)
    yield from (variable for variable in ours if variable["name"] not in names)


def _variable(variable: EnvVar) -> dict[str, Any]:
    if variable.secret_key_ref is None:
        return {"name": variable.name, "value": variable.value}
    return {"name": variable.name, "valueFrom": {"secretKeyRef": variable.secret_key_ref.dump()}}
