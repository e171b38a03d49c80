"""Settings that several services share, and what becomes of them and a service's own."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from ocr_operator.models.service import InvalidSpecError, Metadata, OCRService, parse, plain
from ocr_operator.models.spec import SharedSpec
from ocr_operator.models.status import ProfileStatus

LENGTH: Final = 10
Fields = Mapping[str, Any]

_REPLICAS: Final = frozenset({"replicas", "autoscaling"})
_AMOUNT: Final = frozenset({"pods", "percent"})
# Members that say the same in different ways: a service that says one takes back the others.
ALTERNATIVES: Final[Mapping[str, frozenset[str]]] = {
    "model.source": frozenset({"persistentVolumeClaim", "http"}),
    **{
        path: members
        for component in ("modelServer", "gateway")
        for path, members in (
            (component, _REPLICAS),
            (f"{component}.autoscaling.behavior.scaleUp", _AMOUNT),
            (f"{component}.autoscaling.behavior.scaleDown", _AMOUNT),
        )
    },
}
# A member that makes a choice, and those that go with it: a service that chooses otherwise takes them back.
CHOICES: Final[Mapping[str, tuple[str, frozenset[str]]]] = {
    "model": ("name", frozenset({"source", "sha256"})),
    "gateway.auth": ("type", frozenset({"secretRef", "jwt"})),
    "gateway.jobs": ("store", frozenset({"redis"})),
    "expose.service": (
        "type",
        frozenset({"loadBalancerClass", "loadBalancerSourceRanges", "externalTrafficPolicy"}),
    ),
    "rollout": ("strategy", frozenset({"canary"})),
}


class OCRProfile(BaseModel):
    """Settings that OCRServices of the same namespace share by their spec.profileRef."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="ignore")

    api_version: Literal["kubeocr.dev/v1alpha1"] = "kubeocr.dev/v1alpha1"
    kind: Literal["OCRProfile"] = "OCRProfile"
    metadata: Metadata
    spec: SharedSpec = SharedSpec()


def taking(body: Fields, profile: Fields) -> OCRService:
    """The service, with the profile's fields where its own spec says nothing.

    Raises InvalidSpecError when the two contradict each other.
    """
    state = state_of(profile)
    try:
        service = parse({**body, "spec": lay(_spec(body), _spec(profile))})
    except InvalidSpecError as error:
        raise InvalidSpecError(with_profile(str(error), state)) from error
    return service.model_copy(update={"profile": state})


def state_of(profile: Fields) -> ProfileStatus:
    """What tells this state of a profile from all others."""
    spec = json.dumps(_spec(profile), sort_keys=True, default=str)
    return ProfileStatus(
        name=profile["metadata"]["name"],
        generation=profile["metadata"].get("generation", 0),
        hash=sha256(spec.encode()).hexdigest()[:LENGTH],
    )


def with_profile(message: str, profile: ProfileStatus) -> str:
    """A complaint about a spec, of which the profile is a part."""
    return f"{message}; OCRProfile {profile.name} is part of this spec"


def lay(own: Fields, profile: Fields, path: str = "") -> dict[str, Any]:
    """A service's own spec over a profile's, as a JSON merge patch (RFC 7396) would have it.

    - Objects and maps are merged member by member; everything else, lists too, is the service's as a whole.
    - Of what excludes each other only the service's stays.
    """
    taken_back = frozenset(_taken_back(own, profile, path))
    kept = {name: value for name, value in profile.items() if name not in taken_back}
    return kept | {
        name: lay(value, kept[name], f"{path}.{name}".lstrip("."))
        if isinstance(value, Mapping) and isinstance(kept.get(name), Mapping)
        else value
        for name, value in own.items()
    }


def _taken_back(own: Fields, profile: Fields, path: str) -> Iterator[str]:
    """Members of the profile that what the service says excludes."""
    alternatives = ALTERNATIVES.get(path, frozenset())
    if alternatives & own.keys():
        yield from alternatives - own.keys()
    if path in CHOICES:
        choice, members = CHOICES[path]
        if choice in own and own[choice] != profile.get(choice):
            yield from members


def _spec(body: Fields) -> Fields:
    found: Fields = plain(body.get("spec") or {})
    return found
