"""`python -m ocr_operator.crdgen.reference`: docs/reference.md, every field as the CRD has it."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import Final

from ocr_operator.crdgen.crd import PROFILE, SERVICE, root_schema
from ocr_operator.crdgen.schema import Schema
from ocr_operator.models.names import API_VERSION, KIND

HEAD: Final = f"""# {KIND} reference

Made by `make generate` from the models behind the CRDs. kubectl also knows it as `{SERVICE.short_name}`.
What several of them share can stand in an [{PROFILE.kind.kind}](#{PROFILE.kind.kind.lower()}).

```yaml
apiVersion: {API_VERSION}
kind: {KIND}
metadata: {{name: invoices}}
spec: {{}}                    # every field is optional
```

- Defaults are not written into the object. Nobody but you writes `spec`, nobody but the operator `status`.
- The API server checks types, limits and the rules below each table, and answers in these words. What only
  the operator can check is told by the condition `SpecAccepted` ([conditions](conditions.md)).
- `kubectl explain ocrservice.spec --recursive` shows the same in a terminal.
"""
SHARED: Final = f"""## {PROFILE.kind.kind}

{PROFILE.model.__doc__} kubectl also knows it as `{PROFILE.short_name}`.

```yaml
apiVersion: {API_VERSION}
kind: {PROFILE.kind.kind}
metadata: {{{{name: standard}}}}
spec: {{{{}}}}                    # every field is optional
```

Its `spec` has the fields of an {KIND}'s, with the same types, limits and rules, but not {{own}}.
What a service makes of both is told in [profiles.md](profiles.md).
"""
DEFAULT: Final = re.compile(r"\s*Default: (?P<value>.+)\.$")
# Whether the object needs this member.
REQUIRED: Final = "required here"
# An object of so few plain members is told in its parent's table.
FEW: Final = 3
TABLES: Final = {
    "spec": "| field | type | default | what it is |\n|---|---|---|---|",
    "status": "| field | type | what it is |\n|---|---|---|",
}


def document() -> str:
    """All of docs/reference.md."""
    schema = root_schema(SERVICE)
    parts = [HEAD + "\n".join(_rules(schema)), ""]
    for part in TABLES:
        parts += _Sections(part).of(part, schema["properties"][part])
    shared = root_schema(PROFILE)["properties"]["spec"]
    own = ", ".join(f"`{path}`" for path in _lacking(schema["properties"]["spec"], shared))
    return "\n".join([*parts, SHARED.format(own=own)])


def _lacking(whole: Schema, part: Schema, path: str = "") -> Iterator[str]:
    """The fields that only the first of two objects has."""
    for name, child in whole.get("properties", {}).items():
        if name not in part["properties"]:
            yield f"{path}{name}"
        elif "properties" in child:
            yield from _lacking(child, part["properties"][name], f"{path}{name}.")


class _Sections:
    """Sections of spec or status; an object that was told before is only named again."""

    def __init__(self, part: str) -> None:
        self._part = part
        self._told: list[tuple[str, Schema]] = []

    def of(self, path: str, schema: Schema) -> Iterator[str]:
        """The section of an object, then those of its members."""
        self._told.append((path, _content(schema)))
        yield f"## {path}\n\n{_description(schema)[0]}\n\n{TABLES[self._part]}"
        later: list[tuple[str, Schema]] = []
        for name, child in _members(schema):
            yield self._row(path, name, child, later)
        yield ""
        if rules := list(_rules(schema)):
            yield "\n".join([*rules, ""])
        for below, child in later:
            yield from self.of(below, child)

    def _row(self, path: str, name: str, node: Schema, later: list[tuple[str, Schema]]) -> str:
        kind, target = _type(node), _object(node)
        if target is not None and not _is_small(target):
            below = f"{path}.{name}{'[]' if node['type'] == 'array' else ''}"
            told = next((place for place, content in self._told if content == _content(target)), None)
            if told is None:
                later.append((below, target))
            kind = kind.replace("object", f"[object](#{_anchor(told or below)})")
        text, default = _description(node)
        what = _cell(" ".join([text, *_notes(node)]))
        if self._part == "status":
            return f"| `{name}` | {kind} | {what} |"
        return f"| `{name}` | {kind} | {'**required**' if node[REQUIRED] else _cell(default)} | {what} |"


def _members(schema: Schema) -> Iterator[tuple[str, Schema]]:
    """Members of an object by name; those of a small one in its place, with dots."""
    required = schema.get("required", ())
    for name, child in schema["properties"].items():
        yield name, {**child, REQUIRED: name in required}
        target = _object(child)
        if target is not None and _is_small(target):
            dots = f"{name}[]" if child["type"] == "array" else name
            yield from ((f"{dots}.{below}", node) for below, node in _members(target))


def _object(node: Schema) -> Schema | None:
    """The object that a node is, or is a list of."""
    inner: Schema = node["items"] if node.get("type") == "array" else node
    return inner if "properties" in inner else None


def _is_small(schema: Schema) -> bool:
    children = schema["properties"].values()
    return len(children) <= FEW and all(_object(child) is None for child in children)


def _content(schema: Schema) -> Schema:
    """What an object is, whatever it is called where it stands."""
    return {key: schema.get(key) for key in ("properties", "required", "x-kubernetes-validations")}


def _type(node: Schema) -> str:
    if "x-kubernetes-int-or-string" in node:
        return "quantity"
    if node["type"] == "array":
        keys = node.get("x-kubernetes-list-map-keys", ())
        by = "".join(f", by `{key}`" for key in keys)
        return f"list of up to {node['maxItems']}{by}: {_type(node['items'])}"
    if "additionalProperties" in node:
        return f"map of up to {node['maxProperties']}: {_type(node['additionalProperties'])}"
    if "enum" in node:
        return " \\| ".join(f"`{value}`" for value in node["enum"])
    if node.get("format") == "date-time":
        return "time"
    return ", ".join([node["type"], *_bounds(node)])


def _bounds(node: Schema) -> Iterator[str]:
    """The limits of a scalar, in words."""
    low, high = node.get("minimum"), node.get("maximum")
    if low is not None:
        yield f"from {low}" if high is None else f"{low} to {high}"
    if "maxLength" in node:
        yield f"up to {node['maxLength']} characters"


def _description(node: Schema) -> tuple[str, str]:
    """The text, and as code the default that stands at its end."""
    text = node.get("description", "")
    found = DEFAULT.search(text)
    return DEFAULT.sub("", text), f"`{found['value']}`" if found else ""


def _notes(node: Schema) -> Iterator[str]:
    """What the rules of a field, of a small object, or of each entry of a list ask for."""
    for each in (node, node.get("items", {})):
        if "properties" not in each or _is_small(each):
            for rule in each.get("x-kubernetes-validations", ()):
                yield f"{rule['message'][0].upper()}{rule['message'][1:]}."


def _rules(schema: Schema) -> Iterator[str]:
    """The rules between the members of an object, in the API server's words."""
    yield from (f"- {rule['message']}" for rule in schema.get("x-kubernetes-validations", ()))


def _anchor(path: str) -> str:
    """As GitHub makes one of a heading."""
    return re.sub(r"[^a-z0-9_-]", "", path.lower())


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(document())
