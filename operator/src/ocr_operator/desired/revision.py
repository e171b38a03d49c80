"""What tells two revisions of the model servers apart."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any, Final

from ocr_operator.desired.canary import canary_of
from ocr_operator.desired.model_server import build_model_server
from ocr_operator.desired.plan import Plan
from ocr_operator.models.names import MODEL_SERVER

LENGTH: Final = 10


def revision(plan: Plan) -> str:
    """Digest of the pods' template, the same in both slots."""
    return _digest(build_model_server(plan, MODEL_SERVER)["spec"]["template"])


def policy(plan: Plan) -> str:
    """Digest of how a candidate is tried: who changes that wants to see it tried again."""
    deadline = plan.service.spec.rollout.progress_deadline_seconds
    return _digest([canary_of(plan).dump(), deadline])


def _digest(value: Any) -> str:
    return sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:LENGTH]
