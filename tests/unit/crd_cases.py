"""Specs that users write, right and wrong, and what they are told."""

from collections.abc import Iterator

from tests.unit import crd_autoscaling
from tests.unit.crd_case import Case, Refusal, at, both
from tests.unit.crd_fields import containers, integers, switches_and_choices, texts
from tests.unit.crd_rules import (
    own_models,
    peers,
    pods,
    protection,
    required,
    rollouts,
    rules,
    stores,
    versions,
    ways_in,
)

NAME_FORM = "metadata.name must start with a letter and hold only a-z, 0-9 and '-'"
NAME_SIZE = "metadata.name may have at most 40 characters"


def whole() -> Iterator[Case]:
    """The object as a whole: its name, and a spec that says nothing or is none."""
    yield Case("a spec that says nothing", {})
    yield Case("no spec", None)
    yield Case("a spec that is a list", [], Refusal("spec", "must be of type object", "an object"))
    yield Case(
        "null is as good as absent", {"version": None, "modelServer": {"replicas": None}, "gateway": None}
    )
    yield Case("null in a map", at("gateway.scheduling.nodeSelector", {"a": None}))
    snake = Refusal("spec.model_server", 'unknown field "spec.model_server"', "unknown field")
    yield Case("a member in Python's spelling", {"model_server": {}}, snake)
    yield Case("a name of 1 character", {}, name="a")
    yield Case("a name of 40 characters", {}, name="a" * 40)
    yield Case("a name of 41 characters", {}, both("", NAME_SIZE), name="a" * 41)
    for name in ("a.b", "9a", "1"):
        yield Case(f"the name {name}", {}, both("", NAME_FORM), name=name)
    for name in ("A", "a_b", "a-", "-a"):
        refusal = Refusal("metadata.name", "a lowercase RFC 1123 subdomain must consist of", NAME_FORM)
        yield Case(f"the name {name}", {}, refusal, name=name)


CASES = (
    *texts(),
    *integers(),
    *switches_and_choices(),
    *containers(),
    *rules(),
    *protection(),
    *stores(),
    *peers(),
    *ways_in(),
    *pods(),
    *crd_autoscaling.autoscaling(),
    *crd_autoscaling.required(),
    *rollouts(),
    *versions(),
    *own_models(),
    *required(),
    *whole(),
)
