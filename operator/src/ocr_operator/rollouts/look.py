"""What a roll-out is decided by, out of live objects and the gateways' own words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ocr_operator.desired.deployment import PORT
from ocr_operator.desired.metadata import child_name
from ocr_operator.models.manifest import DEPLOYMENT, Manifest, Ref
from ocr_operator.models.names import COMPONENT_LABEL, GATEWAY, SLOTS
from ocr_operator.models.revisions import Slot
from ocr_operator.models.service import OCRService
from ocr_operator.rollouts.samples import Report, read
from ocr_operator.status.failures import Failure, newest_failure


@dataclass(frozen=True, slots=True)
class Look:
    """Live Deployments by slot, ready gateways, what those say that answer, why a candidate's pods fail."""

    deployments: Mapping[Slot, Manifest]
    gateways: int = 0
    reports: tuple[Report, ...] = ()
    failure: Failure | None = None

    def replicas(self, slot: Slot) -> int:
        """Pods that the slot's Deployment is asked to have."""
        deployment = self.deployments.get(slot)
        return int(deployment["spec"].get("replicas", 1)) if deployment else 0


def look(
    service: OCRService,
    children: Mapping[Ref, Manifest],
    pods: Iterable[Manifest] = (),
    answers: Iterable[str] = (),
) -> Look:
    """From children, pods, and the text of the gateways' metrics."""
    metadata, pods = service.metadata, tuple(pods)
    refs = {slot: Ref(DEPLOYMENT, metadata.namespace, child_name(metadata.name, slot)) for slot in SLOTS}
    revisions = service.status.revisions
    tried = [pod for pod in pods if revisions and _component(pod) == revisions.other]
    return Look(
        deployments={slot: children[ref] for slot, ref in refs.items() if ref in children},
        gateways=len(metrics_urls(service, pods)),
        reports=tuple(_reports(answers)),
        failure=newest_failure(tried),
    )


def metrics_urls(service: OCRService, pods: Iterable[Manifest]) -> tuple[str, ...]:
    """Where the gateways that get requests tell their metrics."""
    scheme = "https" if service.spec.gateway.tls else "http"
    return tuple(
        f"{scheme}://{_authority(pod['status']['podIP'])}/metrics"
        for pod in pods
        if _component(pod) == GATEWAY and _takes_requests(pod)
    )


def _authority(ip: str) -> str:
    return f"[{ip}]:{PORT}" if ":" in ip else f"{ip}:{PORT}"


def _component(pod: Manifest) -> str | None:
    label: str | None = pod["metadata"]["labels"].get(COMPONENT_LABEL)
    return label


def _takes_requests(pod: Manifest) -> bool:
    status = pod.get("status") or {}
    ready = any(c["type"] == "Ready" and c["status"] == "True" for c in status.get("conditions") or ())
    return ready and bool(status.get("podIP")) and not pod["metadata"].get("deletionTimestamp")


def _reports(answers: Iterable[str]) -> Iterator[Report]:
    for text in answers:
        try:
            yield read(text)
        except ValueError:
            continue
