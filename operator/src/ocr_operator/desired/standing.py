"""Whether a child is as it was applied, so that to apply it again would change nothing.

The live object alone tells, so it holds after a restart of the operator, too:

- An annotation has a digest of what was applied last: with another one, we want something else now.
- Whoever changes a field that we applied takes it from us, and managedFields say so:
  https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, Final

from ocr_operator.models.manifest import Manifest
from ocr_operator.models.names import GROUP

APPLIED: Final = f"{GROUP}/applied"


def signed(manifest: Manifest) -> Manifest:
    """The manifest with its own digest as an annotation."""
    metadata = manifest["metadata"]
    digest = blake2b(json.dumps(manifest, sort_keys=True).encode(), digest_size=8).hexdigest()
    annotations = {**metadata.get("annotations", {}), APPLIED: digest}
    return {**manifest, "metadata": {**metadata, "annotations": annotations}}


def stands(live: Manifest, wanted: Manifest, manager: str) -> bool:
    """Whether `live` is what the field manager applied, and that was the signed manifest `wanted`."""
    annotations = live["metadata"].get("annotations") or {}
    digest = wanted["metadata"]["annotations"][APPLIED]
    return annotations.get(APPLIED) == digest and owns(live, _said(wanted), manager)


def owns(live: Manifest, value: Mapping[str, Any], manager: str) -> bool:
    """Whether every field of the value is one that the field manager applied, and nobody has taken."""
    return any(
        _owns(entry["fieldsV1"], value)
        for entry in live["metadata"].get("managedFields") or ()
        if (entry["manager"], entry["operation"], entry.get("subresource")) == (manager, "Apply", None)
    )


def _said(manifest: Manifest) -> Manifest:
    """Without what names the object, which is nobody's field."""
    rest = {name: value for name, value in manifest.items() if name not in ("apiVersion", "kind")}
    inside = manifest["metadata"].items()
    return {**rest, "metadata": {name: value for name, value in inside if name not in ("name", "namespace")}}


def _owns(fields: Mapping[str, Any], value: Any) -> bool:
    """Whether a set of fields (FieldsV1) has every field of the value."""
    if not fields:  # a leaf: owned as a whole
        return True
    if isinstance(value, Mapping):
        return all(
            f"f:{name}" in fields and _owns(fields[f"f:{name}"], inner) for name, inner in value.items()
        )
    return isinstance(value, list) and all(_has(fields, item) for item in value)


def _has(fields: Mapping[str, Any], item: Any) -> bool:
    """Whether an item of a list is in the set: by the values of its key fields, or by its own."""
    for name, inner in fields.items():
        kind, _, text = name.partition(":")
        if kind == "k" and _is_key(json.loads(text), item):
            return _owns(inner, item)
        if kind == "v" and json.loads(text) == item:
            return True
    return False


def _is_key(key: Mapping[str, Any], item: Mapping[str, Any]) -> bool:
    """A field that the item does not have is one that the server fills in."""
    return all(item.get(name, value) == value for name, value in key.items())
