"""docs/operations.md, run from top to bottom: the service that is there reads pages until it is deleted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import images
from tests.cluster.images import ROOT
from tests.e2e.commands import run
from tests.e2e.platform import Platform
from tests.e2e.world import TEXT, World, eventually

PAGE = (ROOT / "docs" / "operations.md").read_text()
CRDS = ("ocrservices.kubeocr.dev", "ocrprofiles.kubeocr.dev")
NAMESPACES = ("papers", "mail")


def commands(section: str) -> list[str]:
    """The blocks of a section that are to be run, with this machine's registry."""
    text = PAGE.split(f"\n## {section}\n")[1].split("\n## ")[0]
    blocks = re.findall(r"^```sh\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return [
        block.replace("REGISTRY=registry.example.com/ocr", f"REGISTRY={images.REGISTRY}") for block in blocks
    ]


class Operator:
    """Somebody who follows the page, in a folder with the checkout's charts and crds."""

    def __init__(self, world: World, folder: Path) -> None:
        self._world = world
        self.folder = folder
        for name in ("charts", "crds"):
            (folder / name).symlink_to(ROOT / name)

    def follow(self, block: str) -> str:
        """Run a block of the page; what it prints."""
        ended = run(self._world.node, ["bash", "-euo", "pipefail", "-c", block], folder=self.folder)
        assert ended.status == 0, f"{block}\n{ended.out}{ended.err}"
        return ended.out


@pytest.fixture
def person(platform: Platform, other: World, tmp_path: Path) -> Iterator[Operator]:
    """Somebody on a cluster without the operator, where a service serves on."""
    other.apply()
    other.settle()
    with platform.uninstalled():
        yield Operator(other, tmp_path)
        for namespace in NAMESPACES:
            other.kubectl.run("delete", "namespace", namespace, "--ignore-not-found", "--wait=false")


@pytest.mark.long
@pytest.mark.timeout(900)
def test_the_page_works_from_install_to_uninstall(person: Operator, other: World) -> None:
    pods = other.pods()
    with other.traffic(at_least=20) as traffic:
        for section in ("Install", "Scope", "Limits for tenants", "Upgrade", "Roll back"):
            for block in commands(section):
                person.follow(block)
            assert other.pods() == pods
        save, restore = commands("Back up and restore")
        person.follow(save)
    assert traffic.failures == []
    other.kubectl.run("delete", "ocrservices", "--all")
    eventually(lambda: other.objects() == [], "all children are gone")
    person.follow(restore)
    other.settle()
    assert other.read().text.strip() == TEXT
    leave, remove = commands("Uninstall")
    person.follow(leave)
    assert other.read().text.strip() == TEXT
    person.follow(remove)
    eventually(lambda: other.objects() == [], "all children are gone")
    assert not any(other.exists("crd", name) for name in CRDS)
