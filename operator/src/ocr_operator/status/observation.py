"""What a verdict is made from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ocr_operator.desired.accept import Refusal
from ocr_operator.desired.metadata import child_name
from ocr_operator.desired.upgrades import Line
from ocr_operator.models.manifest import DEPLOYMENT, Kind, Manifest, Ref, ref
from ocr_operator.models.names import COMPONENT_LABEL, MODEL_SERVER, SLOTS
from ocr_operator.models.operands import Operand, Operands
from ocr_operator.models.revisions import Revisions
from ocr_operator.models.service import OCRService


@dataclass(frozen=True, slots=True)
class Observation:
    """One look at an OCRService and all that belongs to it.

    `refusals` say why the spec is not accepted; `troubles` are children that the API refused, by reason.
    `revisions` is where the roll-out of the model servers stands.
    `version` is the one asked for or held, which the operator may not have among its `operands`.
    `line` is who moves to a newer version before this service; None while not all are known.
    """

    service: OCRService
    version: str
    operands: Operands
    refusals: tuple[Refusal, ...]
    troubles: tuple[Refusal, ...]
    served: frozenset[Kind]
    children: tuple[Manifest, ...]
    pods: tuple[Manifest, ...]
    missing_secrets: frozenset[str] = frozenset()
    revisions: Revisions = field(default_factory=Revisions)
    line: Line | None = None

    @property
    def operand(self) -> Operand | None:
        """What the version consists of."""
        return self.operands.find(self.version)

    @property
    def runs(self) -> str | None:
        """The version that runs: a refused spec changes nothing, so the one before stays."""
        if self.refusals or self.operand is None:
            return self.service.status.version.operand if self.service.status.version else None
        return self.version

    @property
    def available(self) -> str | None:
        """A newer version than the one that runs."""
        return self.operands.newer_than(self.runs) if self.runs else None

    def deployment(self, component: str) -> Manifest | None:
        """The live Deployment of a component; of the model servers the stable revision's."""
        return self.child(DEPLOYMENT, self.revisions.slot if component == MODEL_SERVER else component)

    def child(self, kind: Kind, component: str) -> Manifest | None:
        """The live child of that kind that belongs to a component."""
        metadata = self.service.metadata
        wanted = Ref(kind, metadata.namespace, child_name(metadata.name, component))
        return next((child for child in self.children if ref(child) == wanted), None)

    def pods_of(self, component: str) -> Iterable[Manifest]:
        """Live pods of a component, of both revisions."""
        labels = SLOTS if component == MODEL_SERVER else (component,)
        return (pod for pod in self.pods if pod["metadata"]["labels"].get(COMPONENT_LABEL) in labels)
