"""What building starts from: the accepted service, its operand version, and facts of the cluster."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime

from ocr_operator.desired.schedules import Bounds, bounds
from ocr_operator.models.autoscaling import Autoscaling
from ocr_operator.models.compute import Resources
from ocr_operator.models.manifest import Kind
from ocr_operator.models.names import GATEWAY, MODEL_SERVER, SLOTS
from ocr_operator.models.operands import Operand, Operands
from ocr_operator.models.placement import Scheduling
from ocr_operator.models.quantity import amount
from ocr_operator.models.revisions import Revisions, Slot
from ocr_operator.models.service import OCRService

DEFAULT_REPLICAS = 2


@dataclass(frozen=True, slots=True)
class Facts:
    """What was read from the cluster and decides about children; `served` are the optional kinds it has."""

    served: frozenset[Kind] = frozenset()
    missing_secrets: frozenset[str] = frozenset()
    missing_claims: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Plan:
    """An accepted service with all that its children depend on.

    `running` is how many pods the stable revision of the model servers is asked to have now.
    """

    service: OCRService
    operand: Operand
    facts: Facts
    now: datetime
    revisions: Revisions = field(default_factory=Revisions)
    running: int = 0

    def autoscaling(self, component: str) -> Autoscaling | None:
        """What sets a component's number of pods, unless it is fixed."""
        spec = self.service.spec
        return spec.gateway.autoscaling if component == GATEWAY else spec.model_server.autoscaling

    def bounds(self, autoscaling: Autoscaling) -> Bounds:
        """The bounds of autoscaling at this hour."""
        return bounds(autoscaling, self.now)

    @property
    def canary(self) -> bool:
        """Whether a new revision of the model servers is tried beside the old one."""
        return self.service.spec.rollout.strategy == "Canary"

    @property
    def slots(self) -> tuple[Slot, ...]:
        """Where model servers may run: with a canary in both slots."""
        return SLOTS if self.canary else (self.revisions.slot,)

    def place(self, component: str) -> str:
        """Where a component runs: the model servers in the slot of their stable revision."""
        return component if component == GATEWAY else self.revisions.slot

    @property
    def full(self) -> int:
        """Model servers of a revision that has taken over: as many as an autoscaler gave the one before."""
        least = self.replicas(MODEL_SERVER)
        return max(least, self.running) if least and self.autoscaling(MODEL_SERVER) else least

    def replicas(self, component: str) -> int:
        """Pods that a component shall run; with autoscaling, at least."""
        if self.service.spec.suspend:
            return 0
        if autoscaling := self.autoscaling(component):
            return self.bounds(autoscaling).least
        spec = self.service.spec
        asked = spec.gateway.replicas if component == GATEWAY else spec.model_server.replicas
        return DEFAULT_REPLICAS if asked is None else asked

    def scheduling(self, component: str) -> Scheduling:
        """Where a component's pods may run."""
        spec = self.service.spec
        return spec.gateway.scheduling if component == GATEWAY else spec.model_server.scheduling

    @property
    def threads(self) -> int:
        """Cores of one model server: as asked, else the CPU limit, else the request; 0 leaves it to the pod.

        Never the host's cores: ONNX Runtime would size its pools by them (onnxruntime#29510).
        """
        asked = self.service.spec.model_server.runtime.threads
        return asked or _cores(self.service.spec.model_server.resources)


def operand_version(service: OCRService, operands: Operands) -> str:
    """As asked, else the version that this service was given before, else the one for new services.

    Holding the given version is what keeps an operator upgrade from restarting pods.
    """
    held = service.status.version.operand if service.status.version else None
    first = operands.newest if service.spec.upgrade_policy == "Auto" else operands.default
    return service.spec.version or held or first


def _cores(resources: Resources) -> int:
    quantity = resources.limits.cpu or resources.requests.cpu
    return math.ceil(amount(quantity)) if quantity else 0
