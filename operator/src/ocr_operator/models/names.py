"""Names of the API that the outside depends on."""

from __future__ import annotations

from typing import Final, Literal

GROUP: Final = "kubeocr.dev"
VERSION: Final = "v1alpha1"
API_VERSION: Final = f"{GROUP}/{VERSION}"
KIND: Final = "OCRService"

MANAGER: Final = "ocr-operator"
STATUS_MANAGER: Final = "ocr-operator-status"
REPLICAS_MANAGER: Final = "ocr-operator-replicas"
# Followed by the service's name: each has its own key in the ConfigMap.
TRAFFIC_MANAGER: Final = "ocr-operator-traffic"

SERVICE_LABEL: Final = f"{GROUP}/service"
COMPONENT_LABEL: Final = "app.kubernetes.io/component"
MANAGED_BY_LABEL: Final = "app.kubernetes.io/managed-by"

GATEWAY: Final = "gateway"
MODEL_SERVER: Final = "model-server"
# The container that fetches an own model before the model server starts.
PULL_MODEL: Final = "pull-model"
# Where a second revision of the model servers runs; the two take turns in being the stable one.
MODEL_SERVER_B: Final = "model-server-b"
SLOTS: Final[tuple[Literal["model-server"], Literal["model-server-b"]]] = (MODEL_SERVER, MODEL_SERVER_B)
# One for all services of a namespace: so the operator needs no right to any other ConfigMap.
TRAFFIC: Final = "kubeocr-traffic"
COMPONENTS: Final = (GATEWAY, MODEL_SERVER)
# Annotations by which a user decides about a canary; the value is the metadata.generation that is meant, so
# that what was said of one spec is not said of the next.
PROMOTE: Final = f"{GROUP}/promote"
ROLLBACK: Final = f"{GROUP}/rollback"
