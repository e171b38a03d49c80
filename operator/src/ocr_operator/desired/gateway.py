"""The gateway's Deployment."""

from __future__ import annotations

from ocr_operator.desired.deployment import PORT, Program, build_deployment
from ocr_operator.desired.metadata import child_name
from ocr_operator.desired.plan import Plan
from ocr_operator.models.manifest import Manifest
from ocr_operator.models.names import GATEWAY, MODEL_SERVER

STARTUP_SECONDS = 60


def build_gateway(plan: Plan) -> Manifest:
    """The Deployment of the HTTP front door."""
    gateway = plan.service.spec.gateway
    limits = gateway.limits
    upstream = child_name(plan.service.metadata.name, MODEL_SERVER)
    return build_deployment(
        plan,
        GATEWAY,
        Program(
            image=plan.operand.gateway,
            arguments=(
                f"--service={plan.service.metadata.name}",
                f"--upstream={upstream}:{PORT}",
                f"--max-body-bytes={limits.max_body_bytes}",
                f"--max-pages={limits.max_pages}",
                f"--max-image-pixels={limits.max_image_pixels}",
                f"--request-timeout-seconds={limits.request_timeout_seconds}",
                f"--drain-seconds={gateway.drain_seconds}",
                f"--log-level={plan.service.spec.observability.log_level}",
            ),
            environment=(),
            resources=gateway.resources,
            # Alive, not ready: a gateway without model servers waits for them, a restart would not help.
            startup_path="/livez",
            startup_seconds=STARTUP_SECONDS,
            drain_seconds=gateway.drain_seconds,
            request_seconds=limits.request_timeout_seconds,
        ),
    )
