"""Whether a child stands as it was applied, told from its managedFields."""

import copy
from typing import Any

import pytest

from ocr_operator.desired.standing import APPLIED, signed, stands
from ocr_operator.models.names import MANAGER

WANTED = signed(
    {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "invoices", "namespace": "shop", "labels": {"a/b": "1"}},
        "spec": {
            "selector": {"matchLabels": {"a": "1"}},
            "finalizers": ["mine"],
            "template": {
                "spec": {
                    "containers": [
                        {
                            "name": "gateway",
                            "args": ["--port=80"],
                            "ports": [{"containerPort": 80}],
                            "emptyDir": {},
                        }
                    ]
                }
            },
        },
    }
)
PORT = 'k:{"containerPort":80,"protocol":"TCP"}'
CONTAINER: dict[str, Any] = {
    ".": {},
    "f:name": {},
    "f:args": {},  # atomic
    "f:ports": {PORT: {".": {}, "f:containerPort": {}}},
    "f:emptyDir": {},
}
SPEC: dict[str, Any] = {
    "f:selector": {},  # atomic
    "f:finalizers": {'v:"mine"': {}},
    "f:template": {"f:spec": {"f:containers": {'k:{"name":"gateway"}': CONTAINER}}},
}
FIELDS: dict[str, Any] = {
    "f:metadata": {"f:annotations": {f"f:{APPLIED}": {}}, "f:labels": {"f:a/b": {}}},
    "f:spec": SPEC,
}


def live(fields: dict[str, Any] = FIELDS, **entry: str) -> dict[str, Any]:
    """The object as the server gives it back: with defaults, with others' labels, with managedFields."""
    found = copy.deepcopy(WANTED)
    found["metadata"] |= {"uid": "1", "labels": {"a/b": "1", "others": "2"}}
    found["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = "3"
    found["spec"] |= {"replicas": 2, "progressDeadlineSeconds": 600}
    mine = {"manager": MANAGER, "operation": "Apply", "fieldsV1": fields}
    theirs = {"manager": "other", "operation": "Update", "fieldsV1": {"f:spec": {"f:replicas": {}}}}
    found["metadata"]["managedFields"] = [theirs, {**mine, **entry}]
    return found


def without(fields: dict[str, Any], *path: str) -> dict[str, Any]:
    """The set of fields without one and all below it; the server drops parents of nothing, too."""
    name, *rest = path
    inner = without(fields[name], *rest) if rest else {}
    changed = {**fields, name: inner}
    if not inner:
        del changed[name]
    return changed


def test_what_was_applied_and_touched_by_nobody_stands() -> None:
    assert stands(live(), WANTED, MANAGER)


def test_another_wish_does_not_stand_even_if_it_only_leaves_something_out() -> None:
    less = {name: value for name, value in WANTED.items() if name != "spec"}
    assert not stands(live(), signed(less), MANAGER)


@pytest.mark.parametrize(
    "path",
    [
        ("f:metadata", "f:labels", "f:a/b"),
        ("f:metadata", "f:annotations", f"f:{APPLIED}"),
        ("f:spec", "f:selector"),
        ("f:spec", "f:finalizers", 'v:"mine"'),
        ("f:spec", "f:template", "f:spec", "f:containers", 'k:{"name":"gateway"}'),
        ("f:spec", "f:template", "f:spec", "f:containers", 'k:{"name":"gateway"}', "f:args"),
        ("f:spec", "f:template", "f:spec", "f:containers", 'k:{"name":"gateway"}', "f:ports", PORT),
    ],
)
def test_a_field_that_somebody_took_does_not_stand(path: tuple[str, ...]) -> None:
    assert not stands(live(without(FIELDS, *path)), WANTED, MANAGER)


def test_a_digest_that_somebody_changed_does_not_stand() -> None:
    found = live()
    found["metadata"]["annotations"][APPLIED] = "0"
    assert not stands(found, WANTED, MANAGER)


@pytest.mark.parametrize(
    "entry", [{"manager": "other"}, {"operation": "Update"}, {"subresource": "status"}], ids=str
)
def test_fields_of_another_manager_or_made_in_another_way_are_not_ours(entry: dict[str, str]) -> None:
    assert not stands(live(**entry), WANTED, MANAGER)


@pytest.mark.parametrize("managed", [None, []])
def test_an_object_without_managed_fields_does_not_stand(managed: list[Any] | None) -> None:
    found = live()
    found["metadata"]["managedFields"] = managed
    assert not stands(found, WANTED, MANAGER)


def test_signing_leaves_the_manifest_and_its_own_annotations_as_they_are() -> None:
    plain = {"kind": "Ingress", "metadata": {"name": "a", "annotations": {"issuer": "acme"}}}
    before = copy.deepcopy(plain)
    assert signed(plain)["metadata"]["annotations"]["issuer"] == "acme"
    assert plain == before
    assert signed(plain) == signed(copy.deepcopy(plain))
