"""The model servers' Deployment."""

from __future__ import annotations

from typing import Any

from ocr_operator.desired.deployment import Program, build_deployment
from ocr_operator.desired.plan import Plan
from ocr_operator.models.manifest import Manifest
from ocr_operator.models.names import MODEL_SERVER
from ocr_operator.models.spec import EnvVar


def build_model_server(plan: Plan) -> Manifest:
    """The Deployment of the ONNX Runtime model servers."""
    spec = plan.service.spec
    runtime, limits = spec.model_server.runtime, spec.gateway.limits
    return build_deployment(
        plan,
        MODEL_SERVER,
        Program(
            image=plan.operand.model_server,
            arguments=(
                f"--service={plan.service.metadata.name}",
                f"--model={spec.model.name}",
                *([f"--languages={','.join(spec.model.languages)}"] if spec.model.languages else []),
                f"--threads={plan.threads}",
                f"--mode={runtime.mode}",
                f"--max-queue={runtime.max_queue}",
                "--warmup" if runtime.warmup else "--no-warmup",
                f"--max-image-pixels={limits.max_image_pixels}",
                f"--max-pages={limits.max_pages}",
                f"--log-level={spec.observability.log_level}",
            ),
            environment=tuple(_environment(variable) for variable in spec.model_server.env),
            resources=spec.model_server.resources,
            startup_path="/readyz",
            startup_seconds=spec.model_server.startup_timeout_seconds,
            drain_seconds=spec.gateway.drain_seconds,
            request_seconds=limits.request_timeout_seconds,
        ),
    )


def _environment(variable: EnvVar) -> dict[str, Any]:
    if variable.secret_key_ref is None:
        return {"name": variable.name, "value": variable.value}
    return {"name": variable.name, "valueFrom": {"secretKeyRef": variable.secret_key_ref.dump()}}
