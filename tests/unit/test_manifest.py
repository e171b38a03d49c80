"""Which part of a live object is ours."""

from ocr_operator.models.manifest import part_of

MANIFEST = {"metadata": {"labels": {"a": "1"}}, "spec": {"selector": {"a": "1"}}, "token": False}


def live(**spec: object) -> dict[str, object]:
    """The manifest as a server would give it back, with more in its spec."""
    metadata = {"labels": {"a": "1"}, "resourceVersion": "7", "annotations": {"revision": "1"}}
    return {
        "metadata": metadata,
        "spec": {"selector": {"a": "1"}, **spec},
        "token": False,
        "status": {"x": 1},
    }


def test_what_server_and_controllers_add_is_not_ours() -> None:
    assert part_of(live(clusterIP="10.0.0.1"), MANIFEST) == MANIFEST
    assert part_of({}, MANIFEST) != MANIFEST


def test_a_value_of_ours_that_got_a_member_more_has_changed() -> None:
    assert part_of(live(selector={"a": "1", "b": "2"}), MANIFEST) != MANIFEST
