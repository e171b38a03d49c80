"""docs/security.md names tests that exist."""

import ast
import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
TEXT = (TESTS.parent / "docs" / "security.md").read_text()


def test_every_threat_has_a_test_that_exists() -> None:
    rows = [line for line in TEXT.splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 20
    for row in rows:
        found = re.search(r"`([a-z]+/test_\w+\.py)::(test_\w+)` \|$", row)
        assert found, f"no test at the end of: {row}"
        file, name = found.groups()
        tree = ast.parse((TESTS / file).read_text())
        functions = {
            node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        assert name in functions, f"{file} has no {name}"
