"""`spec` of an OCRService and of an OCRProfile.

Every field is optional; `spec: {}` is a good production service.
"""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from ocr_operator.models.base import Form, ObjectName, Part, cel, map_list
from ocr_operator.models.expose import Expose, SharedExpose
from ocr_operator.models.gateway import Gateway
from ocr_operator.models.model_server import Model, ModelServer
from ocr_operator.models.network import NetworkPolicy
from ocr_operator.models.observability import Observability
from ocr_operator.models.protection import SecretRef
from ocr_operator.models.rollout import Rollout

VERSION_FORM: Final = Form(
    r"[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.]+)?", "write a version such as 0.1.0 or 0.2.0-rc.1, in quotes"
)
SEMVER: Final = re.compile(f"^{VERSION_FORM.pattern}$")
PINNED: Final = (
    "!has(self.version) || !has(self.upgradePolicy) || self.upgradePolicy != 'Auto'",
    "version pins what upgradePolicy: Auto would move; remove version, or set upgradePolicy: Manual",
)


class ProfileRef(Part):
    """An OCRProfile whose fields hold where this spec does not say otherwise; none when absent."""

    name: ObjectName = Field(description="Name of an OCRProfile in the service's namespace.")


class SharedSpec(Part):
    """What services share; each may say otherwise."""

    image_pull_secrets: Annotated[tuple[SecretRef, ...], Field(max_length=8)] = Field(
        default=(),
        description="Secrets of type kubernetes.io/dockerconfigjson to pull images with; none when empty.",
        json_schema_extra=map_list("name"),
    )
    model: Model = Model()
    model_server: ModelServer = ModelServer()
    gateway: Gateway = Gateway()
    expose: SharedExpose = SharedExpose()
    network_policy: NetworkPolicy = NetworkPolicy()
    rollout: Rollout = Rollout()
    observability: Observability = Observability()

    @model_validator(mode="after")
    def _pull_secrets_differ(self) -> Self:
        if len({secret.name for secret in self.image_pull_secrets}) < len(self.image_pull_secrets):
            raise ValueError("every name in imagePullSecrets may stand only once")
        return self


class Spec(SharedSpec):
    """What the user asks for; nobody else writes it."""

    model_config = ConfigDict(json_schema_extra=cel(PINNED))

    profile_ref: ProfileRef | None = None
    version: Annotated[str, Field(max_length=64), VERSION_FORM] | None = Field(
        default=None, description="Operand version. Absent: the operator's, chosen once and held."
    )
    upgrade_policy: Literal["Manual", "Auto"] = Field(
        default="Manual",
        description="Manual: the version stays until version changes. Auto: to the newest version of the "
        "operator, one service of the cluster at a time.",
    )
    suspend: bool = Field(default=False, description="Run no pods; keep everything else.")
    expose: Expose = Expose()

    @model_validator(mode="after")
    def _pinned_or_moving(self) -> Self:
        if self.version is not None and self.upgrade_policy == "Auto":
            raise ValueError(PINNED[1])
        return self
