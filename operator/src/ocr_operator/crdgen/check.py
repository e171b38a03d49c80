"""The rules that a schema must keep, so that an apiserver takes it and bounds what users may store.

Structural: https://github.com/kubernetes/enhancements/tree/master/keps/sig-api-machinery/2335-vanilla-crd-openapi-subset-structural-schemas
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from ocr_operator.crdgen.schema import INT_OR_STRING, Schema

TYPES: Final = frozenset({"object", "array", "string", "integer", "number", "boolean"})
SCALARS: Final = TYPES - {"object", "array"}
FORBIDDEN: Final = frozenset(
    {"$ref", "$defs", "definitions", "title", "default", "const", "oneOf", "allOf", "not", "uniqueItems"}
    | {"patternProperties", "propertyNames", "prefixItems", "discriminator", "nullable", "dependencies"}
)
# Go's regexp (RE2) has no lookaround and no backreferences.
NOT_RE2: Final = re.compile(r"\(\?(=|!|<=|<!)|\\[1-9]|\(\?P=")


def problems(schema: Schema, path: str) -> Iterator[str]:
    """Every place below `path` where the schema is not structural, not bounded or not explained."""
    for keyword in sorted(FORBIDDEN & schema.keys()):
        yield f"{path}: {keyword} is not allowed"
    if schema.get("x-kubernetes-int-or-string"):
        if "type" in schema or schema.get("anyOf") != INT_OR_STRING:
            yield f"{path}: int-or-string has no type, and exactly the two options"
    elif schema.get("type") not in TYPES:
        yield f"{path}: has no type"
    elif "anyOf" in schema:
        yield f"{path}: anyOf is only for int-or-string"
    yield from _bounds(schema, path)
    yield from _expressions(schema, path)
    if schema.get("type") == "object":
        yield from _object(schema, path)
    if schema.get("type") == "array":
        yield from _array(schema, path)


def _bounds(schema: Schema, path: str) -> Iterator[str]:
    text = schema.get("type") == "string" or "x-kubernetes-int-or-string" in schema
    if text and not schema.keys() & {"maxLength", "enum"}:
        yield f"{path}: a string needs maxLength or enum"
    if schema.get("type") == "array" and "maxItems" not in schema:
        yield f"{path}: an array needs maxItems"
    if "additionalProperties" in schema and "maxProperties" not in schema:
        yield f"{path}: a map needs maxProperties"


def _expressions(schema: Schema, path: str) -> Iterator[str]:
    rules = schema.get("x-kubernetes-validations", [])
    for expression in (schema.get("pattern", ""), *(rule["rule"] for rule in rules)):
        if NOT_RE2.search(expression):
            yield f"{path}: RE2 has no lookaround and no backreference: {expression}"
    if not all(rule.get("message") for rule in rules):
        yield f"{path}: a rule needs a message that says what to write instead"


def _object(schema: Schema, path: str) -> Iterator[str]:
    if ("properties" in schema) == ("additionalProperties" in schema):
        yield f"{path}: an object has either properties or additionalProperties"
    properties: dict[str, Schema] = schema.get("properties", {})
    for name in sorted(set(schema.get("required", ())) - properties.keys()):
        yield f"{path}: requires {name}, which is no property"
    for name, child in properties.items():
        if "description" not in child:
            yield f"{path}.{name}: has no description"
        yield from problems(child, f"{path}.{name}")
    values = schema.get("additionalProperties")
    if isinstance(values, dict):
        yield from problems(values, f"{path}[*]")
    elif values is not None:
        yield f"{path}: a map needs a schema for its values"


def _array(schema: Schema, path: str) -> Iterator[str]:
    items = schema.get("items")
    if not isinstance(items, dict):
        yield f"{path}: an array has one schema for all items"
        return
    yield from problems(items, f"{path}[]")
    keys = schema.get("x-kubernetes-list-map-keys", [])
    if schema.get("x-kubernetes-list-type") not in {"atomic", "set", "map"}:
        yield f"{path}: an array needs x-kubernetes-list-type"
    if (schema.get("x-kubernetes-list-type") == "map") != bool(keys):
        yield f"{path}: map keys are for lists of type map, which need them"
    for key in keys:
        scalar = items.get("properties", {}).get(key, {}).get("type") in SCALARS
        if not scalar or key not in items.get("required", ()):
            yield f"{path}: the map key {key} must be a required scalar of the items"
