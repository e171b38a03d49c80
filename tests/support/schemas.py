"""Schemas of custom resources, as strict as `kubectl apply --validate=strict`."""

from __future__ import annotations

from typing import Any


def closed(schema: Any) -> Any:
    """The schema with unknown members of its objects refused: the API only drops them."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    copy = {key: closed(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
        copy.setdefault("additionalProperties", False)
    return copy
