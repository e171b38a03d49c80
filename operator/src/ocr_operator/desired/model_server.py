"""The model servers' Deployment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ocr_operator.desired import tracing
from ocr_operator.desired.deployment import ClaimFolder, Program, build_deployment
from ocr_operator.desired.plan import Plan
from ocr_operator.models.manifest import Manifest
from ocr_operator.models.model_server import EnvVar, Model
from ocr_operator.models.names import MODEL_SERVER


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
            folders=tuple(_folders(spec.model)),
        ),
    )


def _folders(model: Model) -> Iterator[ClaimFolder]:
    if model.source:
        yield ClaimFolder("model", model.source.persistent_volume_claim.claim_name)


def _own(model: Model) -> Iterator[str]:
    """Where the own model is, and which one it must be."""
    if model.source:
        (folder,) = _folders(model)
        path = model.source.persistent_volume_claim.path
        yield f"--model-dir={folder.path}/{path}" if path else f"--model-dir={folder.path}"
        yield f"--model-sha256={model.sha256}"


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
