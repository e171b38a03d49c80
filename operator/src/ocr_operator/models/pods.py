"""What users may put onto pods beside what the operator does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from ocr_operator.models.base import Annotations, Labels, cel

# Ours, the ReplicaSets', and what loosens a container's confinement.
RESERVED: Final = (
    "app.kubernetes.io/",
    "container.apparmor.security.beta.kubernetes.io/",
    "kubectl.kubernetes.io/",
    "kubeocr.dev/",
    "pod-template-hash",
)
NOT_RESERVED = (
    f"self.all(key, !{list(RESERVED)}.exists(start, key.startsWith(start)))",
    f"names that start with {', '.join(RESERVED)} are not yours to set; choose another name",
)


def _not_reserved(value: Mapping[str, str]) -> Mapping[str, str]:
    if any(key.startswith(RESERVED) for key in value):
        raise ValueError(NOT_RESERVED[1])
    return value


_CHECK: Final = (AfterValidator(_not_reserved), Field(json_schema_extra=cel(NOT_RESERVED)))
PodLabels = Annotated[Labels, *_CHECK]
PodAnnotations = Annotated[Annotations, *_CHECK]
