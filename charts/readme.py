"""The table of values in the chart's README, from the comments in values.yaml: `python charts/readme.py`.

A comment that starts with `# --` above a key, as helm-docs has it, describes the key with all below it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

CHART: Final = Path(__file__).with_name("ocr-operator")
README: Final = CHART / "README.md"
HEADING: Final = "## Values\n"
Row = tuple[str, str, str]


def rows(text: str) -> Iterator[Row]:
    """Key, default as JSON and description of each value. Raises ValueError for a value without a comment."""
    lines = text.splitlines()
    document = yaml.compose(text, Loader=yaml.SafeLoader)
    assert isinstance(document, yaml.MappingNode)  # noqa: S101 - every values file is one
    yield from _below(document, lines, ())


def _below(mapping: yaml.MappingNode, lines: list[str], path: tuple[str, ...]) -> Iterator[Row]:
    for key, value in mapping.value:
        here = (*path, key.value)
        description = _comment(lines[: key.start_mark.line])
        if description:
            yield ".".join(here), json.dumps(_plain(value)), description
        elif isinstance(value, yaml.MappingNode) and value.value:
            yield from _below(value, lines, here)
        else:
            raise ValueError(f"values.yaml: {'.'.join(here)} has no comment `# -- ...` above it")


def _comment(above: list[str]) -> str:
    """The comment block at the end of these lines, if it is a description."""
    block: list[str] = []
    for line in reversed(above):
        if not line.lstrip().startswith("#"):
            break
        block.insert(0, line.lstrip().removeprefix("#").strip())
        if block[0].startswith("-- "):
            return " ".join(block).removeprefix("-- ")
    return ""


def _plain(node: yaml.Node) -> Any:
    return yaml.safe_load(yaml.serialize(node))


def render(readme: str, values: str) -> str:
    """The README with its last section, the values, written anew."""
    table = [f"| `{key}` | `{default}` | {description} |" for key, default, description in rows(values)]
    head = readme.partition(HEADING)[0]
    return "\n".join([f"{head}{HEADING}", "| key | default | what it is |", "|---|---|---|", *table, ""])


if __name__ == "__main__":
    README.write_text(render(README.read_text(), (CHART / "values.yaml").read_text()))
