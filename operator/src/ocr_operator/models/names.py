"""Names of the API that the outside depends on."""

from __future__ import annotations

from typing import Final

GROUP: Final = "kubeocr.dev"
VERSION: Final = "v1alpha1"
API_VERSION: Final = f"{GROUP}/{VERSION}"
KIND: Final = "OCRService"
PLURAL: Final = "ocrservices"

MANAGER: Final = "ocr-operator"
STATUS_MANAGER: Final = "ocr-operator-status"
REPLICAS_MANAGER: Final = "ocr-operator-replicas"

SERVICE_LABEL: Final = f"{GROUP}/service"
COMPONENT_LABEL: Final = "app.kubernetes.io/component"
MANAGED_BY_LABEL: Final = "app.kubernetes.io/managed-by"

GATEWAY: Final = "gateway"
MODEL_SERVER: Final = "model-server"
COMPONENTS: Final = (GATEWAY, MODEL_SERVER)
