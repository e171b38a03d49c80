"""Programs of the test cluster that are built with a mend of a module."""

import json
from pathlib import Path

import pytest

from tests.cluster.errors import ClusterError
from tests.cluster.gobuild import HERE, MENDS, fingerprint, mended

MEND = {"module": "example.com/it", "file": "pkg/a.go", "why": "It is slow.", "old": "x = 1", "new": "x = 2"}


@pytest.fixture
def module(tmp_path: Path) -> Path:
    """A module as `go` keeps it: nobody may write."""
    module = tmp_path / "cache" / "it@v1"
    (module / "pkg").mkdir(parents=True)
    file = module / "pkg" / "a.go"
    file.write_text("package a\n\nvar x = 1\n")
    file.chmod(0o444)
    (module / "pkg").chmod(0o555)
    return module


@pytest.fixture
def go(tmp_path: Path, module: Path) -> Path:
    """What tells where a module is."""
    go = tmp_path / "go"
    go.write_text(f"#!/bin/sh\necho '{json.dumps({'Dir': str(module)})}'\n")
    go.chmod(0o755)
    return go


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """The folder of a program whose module is mended."""
    source = tmp_path / "program"
    source.mkdir()
    (source / "go.mod").write_text("module program\n\nrequire example.com/it v1\n")
    (source / "go.sum").write_text("")
    (source / MENDS).write_text(json.dumps([MEND]))
    return source


def folder(tmp_path: Path) -> Path:
    """A new folder for copies."""
    folder = tmp_path / "copies"
    folder.mkdir()
    return folder


def test_a_mend_is_made_in_a_copy_that_takes_the_modules_place(
    source: Path, go: Path, module: Path, tmp_path: Path
) -> None:
    (flag,) = mended(source, go, folder(tmp_path))
    written = Path(flag.removeprefix("-modfile=")).read_text()
    copy = Path(written.rpartition("replace example.com/it => ")[2].strip())
    assert written.startswith((source / "go.mod").read_text())
    assert (copy / "pkg" / "a.go").read_text() == "package a\n\nvar x = 2\n"
    assert (module / "pkg" / "a.go").read_text() == "package a\n\nvar x = 1\n"


def test_a_mend_that_fits_no_more_says_which(source: Path, go: Path, module: Path, tmp_path: Path) -> None:
    file = module / "pkg" / "a.go"
    file.chmod(0o644)
    file.write_text("package a\n")
    with pytest.raises(ClusterError, match=r"mends\.json: example\.com/it/pkg/a\.go does not have the old"):
        mended(source, go, folder(tmp_path))


def test_a_program_without_mends_is_built_as_it_is(source: Path, go: Path, tmp_path: Path) -> None:
    (source / MENDS).unlink()
    assert mended(source, go, folder(tmp_path)) == []


def test_another_mend_is_another_build(source: Path) -> None:
    before = fingerprint(source, [])
    (source / MENDS).write_text(json.dumps([{**MEND, "new": "x = 3"}]))
    assert fingerprint(source, []) != before


@pytest.mark.parametrize("path", sorted(HERE.glob(f"*/{MENDS}")), ids=lambda path: path.parent.name)
def test_each_mend_says_why(path: Path) -> None:
    assert all(mend["why"] and mend["old"] != mend["new"] for mend in json.loads(path.read_text()))
