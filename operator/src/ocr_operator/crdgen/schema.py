"""pydantic's JSON schema -> the structural OpenAPI v3 schema that a CustomResourceDefinition takes.

What is structural: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from ocr_operator.models.base import FORM

Schema = dict[str, Any]

# Copied as they are. A keyword that is neither here nor handled below is refused: dropping one in silence
# would let the apiserver take what the models refuse.
COPIED: Final = (
    "type",
    "format",
    "enum",
    "minimum",
    "maximum",
    "pattern",
    "minLength",
    "maxLength",
    "maxItems",
    "maxProperties",
    "required",
    "x-kubernetes-int-or-string",
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
)
HANDLED: Final = (
    "title",
    "description",
    "default",
    "const",
    "anyOf",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "items",
    "properties",
    "additionalProperties",
    "propertyNames",
    "x-kubernetes-validations",
    FORM,
)
INT_OR_STRING: Final = [{"type": "integer"}, {"type": "string"}]
INT32_MAX: Final = 2**31 - 1


class SchemaError(Exception):
    """The models say something that a CRD can't; the message names the place in the schema."""


def structural(schema: Mapping[str, Any]) -> Schema:
    """Translate the JSON schema of a model. Raises SchemaError for what has no structural form."""
    return _convert(schema, schema.get("$defs", {}), "", ())


def _convert(raw: Mapping[str, Any], defs: Mapping[str, Schema], path: str, trail: tuple[str, ...]) -> Schema:
    node, trail = _resolve(raw, defs, path, trail)
    unknown = sorted(node.keys() - {*COPIED, *HANDLED, "$defs"})
    if unknown:
        raise SchemaError(f"{path}: no structural form for {', '.join(unknown)}")
    out: Schema = {}
    if text := _description(node, defs, path, trail):
        out["description"] = text
    out |= {key: node[key] for key in COPIED if key in node}
    if "const" in node:
        out["enum"] = [node["const"]]
    if "anyOf" in node:
        out["anyOf"] = _int_or_string(node, path)
    out |= _bounds(node)
    if rules := _rules(node):
        out["x-kubernetes-validations"] = rules
    return out | _children(node, defs, path, trail)


def _resolve(
    node: Mapping[str, Any], defs: Mapping[str, Schema], path: str, trail: tuple[str, ...]
) -> tuple[Schema, tuple[str, ...]]:
    """Inline references and drop `| None`; what stands beside a reference wins over what it names."""
    merged = dict(node)
    while True:
        options = [option for option in merged.get("anyOf", ()) if option != {"type": "null"}]
        if "$ref" in merged:
            name = merged.pop("$ref").removeprefix("#/$defs/")
            if name in trail:
                raise SchemaError(f"{path}: {name} contains itself, which a structural schema can't say")
            trail = (*trail, name)
            merged = {**defs[name], **merged}
        elif len(options) == 1:
            del merged["anyOf"]
            merged = {**options[0], **merged}
        else:
            return merged, trail


def _bounds(node: Schema) -> Schema:
    """The format of an integer, and exclusive bounds as OpenAPI 3.0 writes them."""
    out: Schema = {}
    if node.get("type") == "integer":
        out["format"] = "int32" if node.get("maximum", INT32_MAX + 1) <= INT32_MAX else "int64"
    for bound in ("minimum", "maximum"):
        exclusive = f"exclusive{bound.capitalize()}"
        if exclusive in node:
            out |= {bound: node[exclusive], exclusive: True}
    return out


def _int_or_string(node: Schema, path: str) -> list[Schema]:
    if node["anyOf"] == INT_OR_STRING and node.get("x-kubernetes-int-or-string"):
        return [dict(option) for option in INT_OR_STRING]
    raise SchemaError(f"{path}: a union has no structural form; use optional members and a CEL rule")


def _children(node: Schema, defs: Mapping[str, Schema], path: str, trail: tuple[str, ...]) -> Schema:
    out: Schema = {}
    if "items" in node:
        out["items"] = _convert(node["items"], defs, f"{path}[]", trail)
    if "properties" in node:
        out["properties"] = {
            name: _convert(child, defs, f"{path}.{name}".lstrip("."), trail)
            for name, child in node["properties"].items()
        }
    values = node.get("additionalProperties")
    if isinstance(values, dict):
        out["additionalProperties"] = _convert(values, defs, f"{path}[*]", trail)
    elif values:
        raise SchemaError(f"{path}: a map needs a type for its values")
    return out


def _rules(node: Schema) -> list[dict[str, str]]:
    """The CEL rules of the node, the forms of the string and of a map's keys among them."""
    rules = [(rule["rule"], rule["message"]) for rule in node.get("x-kubernetes-validations", ())]
    if form := node.get(FORM):
        rule = f"self.matches(r'{form['pattern']}')"
        if node.get("x-kubernetes-int-or-string"):
            rule = f"type(self) == string ? {rule} : self >= 0"
        rules.append((rule, form["says"]))
    if keys := node.get("propertyNames"):
        longest, form = keys["maxLength"], keys[FORM]
        rule = f"self.all(key, size(key) <= {longest} && key.matches(r'{form['pattern']}'))"
        rules.append((rule, form["says"]))
    return [{"rule": rule, "message": message} for rule, message in rules]


def _description(node: Schema, defs: Mapping[str, Schema], path: str, trail: tuple[str, ...]) -> str:
    """The node's description with its default, which the schema itself leaves out: only users write spec."""
    text = " ".join(str(node.get("description", "")).split())
    default = _present(node.get("default"))
    if default in (None, {}, []) or default == _implied(node, defs, path, trail):
        return text
    return f"{text} Default: {default if isinstance(default, str) else json.dumps(default)}.".lstrip()


def _implied(node: Mapping[str, Any], defs: Mapping[str, Schema], path: str, trail: tuple[str, ...]) -> Any:
    """The value that the members' own defaults make of an absent object."""
    children = {
        name: _resolve(child, defs, path, trail)[0] for name, child in node.get("properties", {}).items()
    }
    return _present({name: child.get("default") for name, child in children.items()}) if children else None


def _present(value: Any) -> Any:
    """The value without members that are null."""
    if isinstance(value, dict):
        return {key: _present(item) for key, item in value.items() if item is not None}
    return [_present(item) for item in value] if isinstance(value, list) else value
