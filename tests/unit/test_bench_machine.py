"""Which commit the figures of a benchmark are of."""

import subprocess
from pathlib import Path

import pytest

from tests.bench.machine import commit


def git(*arguments: str) -> str:
    who = ("-c", "user.name=x", "-c", "user.email=x@example.com")
    return subprocess.run(
        ["git", *who, *arguments], capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.fixture(autouse=True)
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    git("init", "-q")
    for name in ("docs/page.md", "src/program.py"):
        file = tmp_path / name
        file.parent.mkdir()
        file.write_text("before")
    git("add", ".")
    git("commit", "-qm", "all")
    return tmp_path


def test_pages_that_other_benchmarks_have_written_do_not_make_it_another_commit(checkout: Path) -> None:
    (checkout / "docs/page.md").write_text("after")
    assert commit() == git("rev-parse", "--short", "HEAD")


def test_a_changed_program_is_told(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (checkout / "src/program.py").write_text("after")
    monkeypatch.chdir(checkout / "docs")
    assert commit() == git("rev-parse", "--short", "HEAD") + "-dirty"


def test_without_a_repository_it_is_unknown(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("outside"))
    assert commit() == "unknown"
