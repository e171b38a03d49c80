"""What holds for a model of the user's own wherever it comes from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.e2e.world import TEXT, World, eventually


def assert_another_digest_is_never_served(
    own: World, model: Callable[[str], dict[str, Any]], sha256: str, *, container: str
) -> None:
    """A service that asks for files of another digest says what `container` found; its old pods go on."""
    before = own.pods("model-server")
    own.apply(model=model("0" * 64))
    eventually(lambda: own.conditions()["Stalled"] == ("True", "ModelDigestMismatch"), "it says so", 120)
    assert own.conditions()["Ready"] == ("True", "ServingPreviousRevision")
    failure = own.status()["lastFailure"]
    assert (failure["reason"], failure["container"], failure["exitCode"]) == (
        "ModelDigestMismatch",
        container,
        65,
    )
    assert f"has sha256 {sha256}, not {'0' * 64}" in failure["message"]
    assert own.read().text.strip() == TEXT
    own.apply(model=model(sha256))
    own.settle()
    assert "lastFailure" not in own.status()
    assert own.pods("model-server") == before
