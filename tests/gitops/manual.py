"""docs/gitops.md as the tests use it: its commands are run, its manifest is applied."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import yaml

from tests.cluster.images import ROOT

PAGE = ROOT / "docs" / "gitops.md"
SESSION = re.compile(r"(?<=^```console\n)\$ (.+?)\n.*?(?=^```$)", re.DOTALL | re.MULTILINE)
MANIFEST = re.compile(r"^```yaml\n(.*?)^```$", re.DOTALL | re.MULTILINE)
COMMIT = re.compile(r"\([0-9a-f]{7}\)")


def replayed(page: str, run: Callable[[str], str]) -> str:
    """The page, with what its commands print now below each of them."""

    def session(found: re.Match[str]) -> str:
        printed = "\n".join(line.rstrip() for line in run(found[1]).splitlines())
        return f"$ {found[1]}\n{printed}\n"

    return SESSION.sub(session, page)


def without_commits(page: str) -> str:
    """The page with the same word for each commit."""
    return COMMIT.sub("(COMMIT)", page)


def manifest(words: str) -> dict[str, Any]:
    """The page's one manifest that has these words."""
    [text] = [found for found in MANIFEST.findall(PAGE.read_text()) if words in found]
    content: dict[str, Any] = yaml.safe_load(text)
    return content
