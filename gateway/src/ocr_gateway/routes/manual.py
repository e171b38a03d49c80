"""`python -m ocr_gateway.routes.manual FOLDER`: docs/api.md, of the operations and FOLDER's sections."""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ocr_gateway.problems import CODES
from ocr_gateway.routes import api
from ocr_gateway.routes.described import ReadOptions
from ocr_gateway.routes.openapi import parameters
from ocr_gateway.routes.operation import Operation

# Written by hand, in this order; the rest is made.
SECTIONS = ("introduction", "documents", "outputs")


def manual(folder: Path) -> str:
    """The whole document."""
    written = [folder / f"{name}.md" for name in SECTIONS]
    sections = [path.read_text(encoding="utf-8").strip() for path in written if path.exists()]
    operations = api.operations(jobs=True)
    sections += ["\n".join(_options()), "\n".join(_endpoints(operations)), "\n".join(_problems())]
    return "\n\n".join(sections) + "\n"


def _options() -> Iterator[str]:
    yield "## Options\n"
    yield "In the query, as fields of the form, or as members of `options` in JSON; each of them once.\n"
    yield "| option | what it may be | what it does |\n|---|---|---|"
    for option in parameters(ReadOptions):
        yield f"| `{option['name']}` | {_possible(option['schema'])} | {_cell(option['description'])} |"


def _possible(schema: dict[str, Any]) -> str:
    said = " ".join(f"`{value}`" for value in schema.get("enum", ())) or str(schema.get("type", ""))
    bounds = [
        f"{word} {schema[key]}" for key, word in (("minimum", "from"), ("maximum", "to")) if key in schema
    ]
    default = [f"(default {schema['default']})"] if "default" in schema else []
    return " ".join([said, *bounds, *default])


def _endpoints(operations: Iterable[Operation]) -> Iterator[str]:
    yield "## Endpoints"
    for operation in operations:
        yield f"\n### {operation.method} {operation.path}\n\n{operation.summary}\n"
        yield f"```sh\n{operation.example}\n```\n"
        if operation.bodies:
            yield f"Takes {_listed(operation.bodies)}.  "
        for status, reply in operation.answers.items():
            content = f" ({_listed(reply.content)})" if reply.content else ""
            yield f"{status}: {reply.description}{content}  "
        if operation.problems:
            yield f"Problems: {_listed(sorted(operation.problems, key=_by_status))}."


def _problems() -> Iterator[str]:
    yield "## Problems\n"
    yield "Every operation may also answer `unauthenticated`, `tenant_quota` and `internal`.\n"
    yield "| status | code | what it means | worth another try |\n|---|---|---|---|"
    for name, code in CODES.items():
        yield f"| {code.status} | `{name}` | {code.title} | {'yes' if code.retryable else ''} |"


def _by_status(code: str) -> tuple[int, str]:
    return CODES[code].status, code


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(manual(Path(sys.argv[1])))
