"""What a verdict is made from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ocr_operator.desired.accept import Refusal
from ocr_operator.desired.metadata import child_name
from ocr_operator.models.manifest import DEPLOYMENT, SERVICE, Manifest, Ref, ref
from ocr_operator.models.names import COMPONENT_LABEL, GATEWAY
from ocr_operator.models.operands import Operand
from ocr_operator.models.service import OCRService


@dataclass(frozen=True, slots=True)
class Observation:
    """One look at an OCRService and all that belongs to it.

    `refusals` say why the spec is not accepted; `troubles` are children that the API refused, by reason.
    `operand` is None when the spec asks for a version that this operator does not have.
    """

    service: OCRService
    operand: Operand | None
    refusals: tuple[Refusal, ...]
    troubles: tuple[Refusal, ...]
    service_monitors: bool
    children: tuple[Manifest, ...]
    pods: tuple[Manifest, ...]

    def deployment(self, component: str) -> Manifest | None:
        """The live Deployment of a component."""
        return self._child(Ref(DEPLOYMENT, *self._named(component)))

    def gateway_service(self) -> Manifest | None:
        """The live Service that clients use."""
        return self._child(Ref(SERVICE, *self._named(GATEWAY)))

    def pods_of(self, component: str) -> Iterable[Manifest]:
        """Live pods of a component."""
        return (pod for pod in self.pods if pod["metadata"]["labels"].get(COMPONENT_LABEL) == component)

    def _named(self, component: str) -> tuple[str, str]:
        metadata = self.service.metadata
        return metadata.namespace, child_name(metadata.name, component)

    def _child(self, wanted: Ref) -> Manifest | None:
        return next((child for child in self.children if ref(child) == wanted), None)
