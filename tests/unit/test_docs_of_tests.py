"""Pages that name a test in each row of their table name tests that exist."""

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]


@pytest.mark.parametrize(("page", "least"), [("security", 20), ("pitfalls", 25), ("reliability", 15)])
def test_every_row_has_a_test_that_exists(page: str, least: int) -> None:
    text = (TESTS.parent / "docs" / f"{page}.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("| ")][1:]
    assert len(rows) >= least
    for row in rows:
        found = re.search(r"`([a-z0-9]+/test_\w+\.py)::(test_\w+)` \|$", row)
        assert found, f"no test at the end of: {row}"
        file, name = found.groups()
        tree = ast.parse((TESTS / file).read_text())
        functions = {
            node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        assert name in functions, f"{file} has no {name}"
