"""What building starts from: the accepted service, its operand version, and facts of the cluster."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ocr_operator.models.names import GATEWAY
from ocr_operator.models.operands import Operand, Operands
from ocr_operator.models.quantity import amount
from ocr_operator.models.service import OCRService
from ocr_operator.models.spec import Resources, Scheduling

DEFAULT_REPLICAS = 2


@dataclass(frozen=True, slots=True)
class Facts:
    """What was read from the cluster and decides about children."""

    service_monitors: bool = False
    missing_secrets: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Plan:
    """An accepted service with all that its children depend on."""

    service: OCRService
    operand: Operand
    facts: Facts

    def replicas(self, component: str) -> int:
        """Pods that a component shall run."""
        if self.service.spec.suspend:
            return 0
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
    """As asked, else the version that this service was given before, else the operator's default.

    Holding the given version is what keeps an operator upgrade from restarting pods.
    """
    held = service.status.version.operand if service.status.version else None
    return service.spec.version or held or operands.default


def _cores(resources: Resources) -> int:
    quantity = resources.limits.cpu or resources.requests.cpu
    return math.ceil(amount(quantity)) if quantity else 0
