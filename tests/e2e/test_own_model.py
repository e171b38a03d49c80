"""A model of the user's own on a real node, from a volume: read with, and never another one in its place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ocr_modelserver.models.own import read_own
from tests.e2e.digests import assert_another_digest_is_never_served
from tests.e2e.platform import Platform
from tests.e2e.world import NAME, TEXT, World, eventually, restricted
from tests.support.ownmodel import own_model

CLAIM, VOLUME, FOLDER = "models", "own-models", "receipts/v1"


@pytest.fixture(scope="module")
def sha256(tmp_path_factory: pytest.TempPathFactory, platform: Platform) -> Iterator[str]:
    """A volume with an own model in a folder; the model's digest."""
    root = tmp_path_factory.mktemp("volume")
    folder = own_model(root / FOLDER)
    root.chmod(0o755)  # pods are nobody's user here
    size = {"storage": "1Gi"}
    spec = {
        "capacity": size,
        "accessModes": ["ReadOnlyMany"],
        "storageClassName": "",
        "hostPath": {"path": str(root)},
        "persistentVolumeReclaimPolicy": "Retain",
    }
    head = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": VOLUME}}
    platform.kubectl.apply({**head, "spec": spec})
    yield read_own(folder).sha256
    platform.kubectl.run("delete", "persistentvolume", VOLUME, "--wait=false")


@pytest.fixture(scope="module")
def shelf(platform: Platform, sha256: str) -> Iterator[World]:
    """A namespace with a claim to that volume, and a service that reads with the model."""
    with restricted(platform.node) as world:
        spec = {
            "accessModes": ["ReadOnlyMany"],
            "storageClassName": "",
            "volumeName": VOLUME,
            "resources": {"requests": {"storage": "1Gi"}},
        }
        head = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": CLAIM}}
        world.kubectl.apply({**head, "spec": spec})
        yield world
        world.kubectl.run("delete", "ocrservice", NAME, "--ignore-not-found")


@pytest.fixture
def own(shelf: World, sha256: str) -> World:
    """The service, settled."""
    shelf.apply(model=model(sha256))
    shelf.settle()
    return shelf


def model(sha256: str, **claim: Any) -> dict[str, Any]:
    """An own model out of the claim."""
    where = {"claimName": CLAIM, "path": FOLDER, **claim}
    return {"name": "receipts", "source": {"persistentVolumeClaim": where}, "sha256": sha256}


def test_pages_are_read_by_the_model_of_the_claim(own: World, sha256: str) -> None:
    answer = own.read()
    assert (answer.status_code, answer.text.strip()) == (200, TEXT)
    assert own.status()["model"] == {"name": "receipts", "sha256": sha256}
    assert own.kubectl.run("get", "ocrs", NAME).splitlines()[1].split()[3] == "receipts"


def test_files_of_another_digest_are_never_served_while_the_old_pods_go_on(own: World, sha256: str) -> None:
    assert_another_digest_is_never_served(own, model, sha256, container="model-server")


def test_a_file_that_was_changed_in_the_volume_keeps_new_pods_from_serving(
    own: World, sha256: str, platform: Platform
) -> None:
    root = Path(platform.kubectl.json("get", "persistentvolume", VOLUME)["spec"]["hostPath"]["path"], FOLDER)
    manifest = root / "model.yaml"
    whole = manifest.read_text()
    (first, *_) = own.pods("model-server")
    try:
        manifest.write_text(whole + "# changed\n")
        own.kubectl.run("delete", "pod", first, "--wait=false")
        eventually(lambda: own.conditions()["Stalled"] == ("True", "ModelDigestMismatch"), "it says so", 120)
        assert own.read().text.strip() == TEXT  # by the other pod
    finally:
        manifest.write_text(whole)
    own.settle(180)


def test_a_claim_that_is_not_there_is_named_by_its_field(own: World, sha256: str) -> None:
    own.apply(model=model(sha256, claimName="elsewhere"))
    eventually(lambda: own.conditions()["SpecAccepted"] == ("False", "ClaimNotFound"), "it is refused")
    said = {each["type"]: each["message"] for each in own.status()["conditions"]}["SpecAccepted"]
    assert said.startswith("spec.model.source.persistentVolumeClaim: no PersistentVolumeClaim elsewhere")
    assert own.conditions()["Ready"] == ("True", "ServingPreviousRevision")
    assert own.read().text.strip() == TEXT
