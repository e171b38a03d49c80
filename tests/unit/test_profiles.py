"""What a service makes of a profile."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ocr_operator.crdgen.crd import PROFILE, root_schema
from ocr_operator.desired.effective import effective, own
from ocr_operator.models.profile import ALTERNATIVES, CHOICES, lay, state_of, taking
from ocr_operator.models.reasons import Reason
from ocr_operator.models.service import InvalidSpecError, Key
from ocr_operator.models.status import ProfileStatus, Status
from ocr_operator.runtime.profiles import Profiles
from tests.unit.strategies import profile_bodies, spec_bodies

Spec = dict[str, Any]
# Bounds between numbers, amounts of members and what needs something beside it: both sides may be right, and
# yet not both together.
APART = (
    "jobs in memory are known to one gateway only",
    "a schedule only raises minReplicas and maxReplicas",
    "minReplicas of a schedule may not be more than maxReplicas",
    "minReplicas (2 when absent) may not be more than maxReplicas",
    "should have at most",
)


def service(spec: Spec, **metadata: Any) -> Spec:
    """An OCRService that takes the profile."""
    head = {"apiVersion": "kubeocr.dev/v1alpha1", "kind": "OCRService"}
    return {
        **head,
        "metadata": {"name": "letters", "namespace": "papers", "generation": 7, **metadata},
        "spec": {**spec, "profileRef": {"name": "standard"}},
    }


def profile(spec: Spec, **metadata: Any) -> Spec:
    """The profile."""
    head = {"apiVersion": "kubeocr.dev/v1alpha1", "kind": "OCRProfile"}
    return {
        **head,
        "metadata": {"name": "standard", "namespace": "papers", "generation": 3, **metadata},
        "spec": spec,
    }


def leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every value that is no object, with its path."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from leaves(inner, (*path, name))
    else:
        yield path, value


@given(spec_bodies())
def test_an_empty_profile_changes_nothing(spec: Spec) -> None:
    assert lay(spec, {}) == spec


@given(profile_bodies())
def test_a_service_that_says_nothing_has_what_the_profile_says(shared: Spec) -> None:
    assert lay({}, shared) == shared


@given(spec_bodies(), profile_bodies())
def test_what_the_service_says_holds_and_all_else_is_the_profiles(spec: Spec, shared: Spec) -> None:
    both = dict(leaves(lay(spec, shared)))
    said = dict(leaves(spec))
    assert both.items() >= said.items()
    theirs = dict(leaves(shared))
    assert {path: both[path] for path in both.keys() - said.keys()}.items() <= theirs.items()


@given(spec_bodies(), profile_bodies())
def test_laying_it_twice_is_laying_it_once(spec: Spec, shared: Spec) -> None:
    once = lay(spec, shared)
    assert lay(spec, once) == lay(once, shared) == once


@given(st.tuples(spec_bodies(), profile_bodies()))
def test_two_good_specs_contradict_each_other_by_bounds_only(pair: tuple[Spec, Spec]) -> None:
    said, _, profile_named = refusal(*pair).partition("; OCRProfile ")
    assert profile_named in {"", "standard is part of this spec"}
    assert said == "" or any(words in said for words in APART)


def refusal(spec: Spec, shared: Spec) -> str:
    """Why the two can't be one, if they can't."""
    try:
        taking(service(spec), profile(shared))
    except InvalidSpecError as error:
        return str(error)
    return ""


SOURCE = {"persistentVolumeClaim": {"claimName": "models"}}
OWN_MODEL = {"name": "receipts", "source": SOURCE, "sha256": "0" * 64}
AUTOSCALED = {"maxReplicas": 9}
KEYS = {"type": "APIKey", "secretRef": {"name": "keys"}}
BALANCED = {
    "type": "LoadBalancer",
    "loadBalancerClass": "example.com/inner",
    "externalTrafficPolicy": "Local",
}
# What the service says, what the profile says, and what is.
MERGES: dict[str, tuple[Spec, Spec, Spec]] = {
    "members of an object come from both": (
        {"gateway": {"drainSeconds": 5}},
        {"gateway": {"limits": {"maxPages": 9}, "drainSeconds": 9}},
        {"gateway": {"limits": {"maxPages": 9}, "drainSeconds": 5}},
    ),
    "labels come from both": (
        {"modelServer": {"podLabels": {"team": "mail", "tier": "1"}}},
        {"modelServer": {"podLabels": {"tier": "2", "cost": "papers"}}},
        {"modelServer": {"podLabels": {"team": "mail", "tier": "1", "cost": "papers"}}},
    ),
    "a list is the service's as a whole": (
        {"modelServer": {"env": [{"name": "A", "value": "x"}]}},
        {"modelServer": {"env": [{"name": "B", "value": "y"}]}},
        {"modelServer": {"env": [{"name": "A", "value": "x"}]}},
    ),
    "an empty list takes the profile's back": (
        {"model": {"languages": []}},
        {"model": {"languages": ["de"]}},
        {"model": {"languages": []}},
    ),
    "null says nothing": (
        {"gateway": {"drainSeconds": None}, "model": None},
        {"gateway": {"drainSeconds": 9}, "model": {"name": "fast"}},
        {"gateway": {"drainSeconds": 9}, "model": {"name": "fast"}},
    ),
    "replicas replace autoscaling": (
        {"modelServer": {"replicas": 3}},
        {"modelServer": {"autoscaling": AUTOSCALED}},
        {"modelServer": {"replicas": 3}},
    ),
    "autoscaling replaces replicas": (
        {"gateway": {"autoscaling": AUTOSCALED}},
        {"gateway": {"replicas": 3, "drainSeconds": 9}},
        {"gateway": {"autoscaling": AUTOSCALED, "drainSeconds": 9}},
    ),
    "two autoscalings are one": (
        {"gateway": {"autoscaling": AUTOSCALED}},
        {"gateway": {"autoscaling": {"maxReplicas": 4, "metrics": [{"type": "CPU", "target": 50}]}}},
        {"gateway": {"autoscaling": {**AUTOSCALED, "metrics": [{"type": "CPU", "target": 50}]}}},
    ),
    "pods replace percent": (
        {"gateway": {"autoscaling": {**AUTOSCALED, "behavior": {"scaleUp": {"pods": 1}}}}},
        {"gateway": {"autoscaling": {**AUTOSCALED, "behavior": {"scaleUp": {"percent": 50}}}}},
        {"gateway": {"autoscaling": {**AUTOSCALED, "behavior": {"scaleUp": {"pods": 1}}}}},
    ),
    "another model replaces an own one": (
        {"model": {"name": "fast"}},
        {"model": {**OWN_MODEL, "languages": ["en"]}},
        {"model": {"name": "fast", "languages": ["en"]}},
    ),
    "the same own model stays": ({"model": {"name": "receipts"}}, {"model": OWN_MODEL}, {"model": OWN_MODEL}),
    "another place of a model replaces the first": (
        {"model": {"source": {"http": {"url": "https://a.b/"}}, "sha256": "1" * 64}},
        {"model": OWN_MODEL},
        {"model": {"name": "receipts", "source": {"http": {"url": "https://a.b/"}}, "sha256": "1" * 64}},
    ),
    "no authentication takes the keys back": (
        {"gateway": {"auth": {"type": "None"}}},
        {"gateway": {"auth": KEYS}},
        {"gateway": {"auth": {"type": "None"}}},
    ),
    "the same authentication with other keys": (
        {"gateway": {"auth": {**KEYS, "secretRef": {"name": "mine"}}}},
        {"gateway": {"auth": KEYS}},
        {"gateway": {"auth": {**KEYS, "secretRef": {"name": "mine"}}}},
    ),
    "jobs in memory take the Redis back": (
        {"gateway": {"replicas": 1, "jobs": {"store": "Memory"}}},
        {"gateway": {"jobs": {"store": "Redis", "redis": {"secretKeyRef": {"name": "r", "key": "url"}}}}},
        {"gateway": {"replicas": 1, "jobs": {"store": "Memory"}}},
    ),
    "another type of Service takes back what goes with the first": (
        {"expose": {"service": {"type": "NodePort", "nodePort": 30080}}},
        {"expose": {"service": {**BALANCED, "port": 8080}}},
        {"expose": {"service": {"type": "NodePort", "nodePort": 30080, "port": 8080}}},
    ),
    "a roll-out pod by pod takes the canary back": (
        {"rollout": {"strategy": "RollingUpdate"}},
        {"rollout": {"strategy": "Canary", "canary": {"replicas": 1}}},
        {"rollout": {"strategy": "RollingUpdate"}},
    ),
    "a canary keeps the profile's steps": (
        {"rollout": {"strategy": "Canary"}},
        {"rollout": {"strategy": "Canary", "canary": {"replicas": 1}}},
        {"rollout": {"strategy": "Canary", "canary": {"replicas": 1}}},
    ),
}


@pytest.mark.parametrize(("spec", "shared", "both"), MERGES.values(), ids=MERGES)
def test_what_comes_of_both(spec: Spec, shared: Spec, both: Spec) -> None:
    taken = taking(service(spec), profile(shared))
    assert taken.spec == own(service(both))[0].spec


@pytest.mark.parametrize("path", [*ALTERNATIVES, *CHOICES])
def test_what_excludes_each_other_is_in_the_schema(path: str) -> None:
    node = root_schema(PROFILE)["properties"]["spec"]
    for name in path.split("."):
        node = node["properties"][name]
    choice, members = CHOICES.get(path, ("", frozenset()))
    assert {*ALTERNATIVES.get(path, ()), *members, *filter(None, [choice])} <= node["properties"].keys()


def test_a_contradiction_is_refused_in_words_that_name_the_field_and_the_profile() -> None:
    body = service({"gateway": {"replicas": 3}})
    alone, _ = own(body)
    found, refused = effective(alone, body, "standard", profile({"gateway": {"replicas": 1, "jobs": {}}}))
    assert [(each.reason, each.message) for each in refused] == [
        (
            Reason.INVALID_SPEC,
            "spec.gateway: jobs in memory are known to one gateway only; "
            "set replicas: 1 or jobs.store: Redis; OCRProfile standard is part of this spec",
        )
    ]
    assert found.spec == alone.spec
    assert found.profile is not None
    assert found.profile.generation == 3


def test_without_the_profile_the_spec_is_refused_and_says_which_one_it_is() -> None:
    body = service({"suspend": True})
    found, refused = effective(own(body)[0], body, "standard", None)
    assert [(each.reason, each.message) for each in refused] == [
        (
            Reason.PROFILE_NOT_FOUND,
            "spec.profileRef: no OCRProfile standard in this namespace; create it or name another",
        )
    ]
    assert found.spec.suspend
    assert found.profile == ProfileStatus(name="standard")


def test_a_hash_is_of_what_a_profile_says_and_of_nothing_else() -> None:
    first = state_of(profile({"model": {"name": "fast"}, "gateway": {"replicas": 1}}))
    again = profile({"gateway": {"replicas": 1}, "model": {"name": "fast"}}, generation=9, labels={"a": "b"})
    assert state_of(again).hash == first.hash
    assert state_of(profile({"model": {"name": "fast"}})).hash != first.hash


def test_a_date_that_yaml_made_is_text_again() -> None:
    dated = yaml.safe_load("{modelServer: {podLabels: {2026-01-02: x, y: 2026-01-02}}}")
    taken = taking(service({"modelServer": {"podLabels": {"2026-01-02": "z"}}}), profile(dated))
    assert taken.spec.model_server.pod_labels == {"2026-01-02": "z", "y": "2026-01-02"}


def test_what_was_said_of_a_canary_is_not_said_of_the_next_state_of_the_profile() -> None:
    first = profile({"model": {"name": "fast"}})
    mark = f"7-{state_of(first).hash}"
    body = service({}, annotations={"kubeocr.dev/promote": mark})
    assert taking(body, first).says("kubeocr.dev/promote")
    # Deleted and made again, so of the same generation.
    assert not taking(body, profile({"model": {"name": "accurate"}})).says("kubeocr.dev/promote")
    assert not taking(service({}, annotations={"kubeocr.dev/promote": "7"}), first).says(
        "kubeocr.dev/promote"
    )


def test_a_status_from_before_a_profile_changed_is_not_about_the_spec_as_it_is() -> None:
    before = profile({"model": {"name": "fast"}})
    status = Status(observed_generation=7, profile=state_of(before)).dump()
    body = {**service({}), "status": status}
    assert taking(body, before).judged
    assert not taking(body, profile({"model": {"name": "fast"}}, generation=4)).judged
    assert not own(body)[0].judged


def test_who_takes_a_profile_is_known_until_it_names_another_or_goes() -> None:
    known = Profiles()
    for name in ("a", "b"):
        known.see(Key("papers", name), "standard")
    known.see(Key("mail", "c"), "standard")
    known.see(Key("papers", "d"), "other")
    assert set(known.users("papers", "standard")) == {Key("papers", "a"), Key("papers", "b")}
    known.see(Key("papers", "a"), "other")
    known.see(Key("papers", "b"), None)
    assert known.users("papers", "standard") == ()
    assert set(known.users("papers", "other")) == {Key("papers", "a"), Key("papers", "d")}
