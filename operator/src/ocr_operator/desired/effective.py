"""The spec that a service runs by: its own, laid over that of the profile that it names."""

from __future__ import annotations

from ocr_operator.desired.accept import Refusal
from ocr_operator.models.manifest import Manifest
from ocr_operator.models.profile import state_of, taking
from ocr_operator.models.reasons import Reason
from ocr_operator.models.service import InvalidSpecError, OCRService, parse
from ocr_operator.models.status import ProfileStatus


def own(body: Manifest) -> tuple[OCRService, tuple[Refusal, ...]]:
    """What the service itself says; with an empty spec beside the refusal when that can't be read."""
    try:
        return parse(body), ()
    except InvalidSpecError as error:
        return parse({**body, "spec": {}}), (Refusal(Reason.INVALID_SPEC, str(error)),)


def effective(
    service: OCRService, body: Manifest, name: str, profile: Manifest | None
) -> tuple[OCRService, tuple[Refusal, ...]]:
    """A service that names a profile, with it; as it is by itself beside the refusal when that can't be."""
    if profile is None:
        missing = f"spec.profileRef: no OCRProfile {name} in this namespace; create it or name another"
        state, refusal = ProfileStatus(name=name), Refusal(Reason.PROFILE_NOT_FOUND, missing)
    else:
        try:
            return taking(body, profile), ()
        except InvalidSpecError as error:
            state, refusal = state_of(profile), Refusal(Reason.INVALID_SPEC, str(error))
    return service.model_copy(update={"profile": state}), (refusal,)
