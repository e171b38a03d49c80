"""What status says of a canary, in words that stay the same until something happens."""

from __future__ import annotations

from collections.abc import Iterator

from ocr_operator.desired.metadata import child_name
from ocr_operator.models.revisions import Candidate, Revisions, Traffic
from ocr_operator.models.rollout import Canary
from ocr_operator.models.service import OCRService


def progress(service: OCRService, candidate: Candidate) -> str:
    """Where the candidate stands, and what it waits for."""
    canary = service.spec.rollout.canary or Canary()
    name, count = f"revision {candidate.revision}", len(canary.steps)
    if candidate.step > count:
        return f"{name} keeps {candidate.weight}% of the requests until all its pods are ready to take over"
    step = canary.steps[candidate.step - 1]
    place = f"step {candidate.step} of {count}: {name}"
    if candidate.weight != step.weight:
        return f"{place} has {candidate.weight}% of the requests until its pods for {step.weight}% are ready"
    if candidate.followed is None:
        return f"{place} gets {step.weight}% of the requests once all gateways follow"
    return (
        f"{place} has {step.weight}% of the requests since {candidate.followed}; next after "
        f"{step.pause_seconds} s and {canary.analysis.min_samples} calls"
    )


def traffic(service: OCRService, revisions: Revisions) -> Iterator[Traffic]:
    """How the gateways are asked to divide the requests."""
    if service.spec.rollout.strategy != "Canary" or revisions.stable is None:
        return
    digests = {revisions.slot: revisions.stable}
    if revisions.candidate:
        digests[revisions.other] = revisions.candidate.revision
    for slot, weight in revisions.weights.items():
        name = child_name(service.metadata.name, slot)
        yield Traffic(deployment=name, revision=digests[slot], weight=weight)
