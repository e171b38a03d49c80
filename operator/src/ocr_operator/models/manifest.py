"""Kubernetes objects as plain JSON data: what is built, applied and read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

Manifest = dict[str, Any]


class Kind(NamedTuple):
    """A namespaced kind of the Kubernetes API."""

    api_version: str
    kind: str
    plural: str


class Ref(NamedTuple):
    """Identity of one object."""

    kind: Kind
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind.kind} {self.namespace}/{self.name}"


OCR_SERVICE: Final = Kind("kubeocr.dev/v1alpha1", "OCRService", "ocrservices")
OCR_PROFILE: Final = Kind("kubeocr.dev/v1alpha1", "OCRProfile", "ocrprofiles")
DEPLOYMENT: Final = Kind("apps/v1", "Deployment", "deployments")
SERVICE: Final = Kind("v1", "Service", "services")
SERVICE_ACCOUNT: Final = Kind("v1", "ServiceAccount", "serviceaccounts")
POD_DISRUPTION_BUDGET: Final = Kind("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets")
NETWORK_POLICY: Final = Kind("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies")
INGRESS: Final = Kind("networking.k8s.io/v1", "Ingress", "ingresses")
HTTP_ROUTE: Final = Kind("gateway.networking.k8s.io/v1", "HTTPRoute", "httproutes")
HORIZONTAL_POD_AUTOSCALER: Final = Kind(
    "autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers"
)
SERVICE_MONITOR: Final = Kind("monitoring.coreos.com/v1", "ServiceMonitor", "servicemonitors")
POD: Final = Kind("v1", "Pod", "pods")
SECRET: Final = Kind("v1", "Secret", "secrets")
PERSISTENT_VOLUME_CLAIM: Final = Kind("v1", "PersistentVolumeClaim", "persistentvolumeclaims")
CONFIG_MAP: Final = Kind("v1", "ConfigMap", "configmaps")

# Of our own CRDs.
OWN_KINDS: Final = (OCR_SERVICE, OCR_PROFILE)
CHILD_KINDS: Final = (
    SERVICE_ACCOUNT,
    NETWORK_POLICY,
    SERVICE,
    DEPLOYMENT,
    HORIZONTAL_POD_AUTOSCALER,
    POD_DISRUPTION_BUDGET,
    SERVICE_MONITOR,
    INGRESS,
    HTTP_ROUTE,
)
# Kinds of CRDs that a cluster may lack.
OPTIONAL_KINDS: Final = frozenset({SERVICE_MONITOR, HTTP_ROUTE})
_BY_KIND: Final = {
    (kind.api_version, kind.kind): kind
    for kind in (*OWN_KINDS, *CHILD_KINDS, POD, SECRET, PERSISTENT_VOLUME_CLAIM, CONFIG_MAP)
}


def ref(manifest: Mapping[str, Any]) -> Ref:
    """Identity of a manifest of a known kind."""
    metadata = manifest["metadata"]
    return Ref(_BY_KIND[manifest["apiVersion"], manifest["kind"]], metadata["namespace"], metadata["name"])


def part_of(live: Mapping[str, Any], manifest: Mapping[str, Any]) -> Manifest:
    """Of a live object the members, and the members of its metadata and spec, that a manifest speaks of."""
    return {
        name: {inner: (live.get(name) or {}).get(inner) for inner in said}
        if isinstance(said, dict)
        else live.get(name)
        for name, said in manifest.items()
    }


def controlled_by(manifest: Mapping[str, Any], uid: str) -> bool:
    """Whether the object's controlling owner has that uid."""
    owners: Iterable[Mapping[str, Any]] = manifest["metadata"].get("ownerReferences") or ()
    return any(owner.get("controller") and owner.get("uid") == uid for owner in owners)
