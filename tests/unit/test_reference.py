"""docs/reference.md has every field of the CRD, and says of each what it is when it is left out."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ocr_operator.crdgen.crd import SERVICE, root_schema
from ocr_operator.crdgen.reference import document

DOCUMENT = Path(__file__).parents[2] / "docs/reference.md"
SCHEMA = root_schema(SERVICE)["properties"]


def test_the_document_is_what_make_generate_writes() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == document(), "run make generate"


def fields(node: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Each field below a node: its path, its schema, and that of the object that it is a member of."""
    for name, child in node.get("properties", {}).items():
        yield f"{path}.{name}", child, node
        yield from fields(child.get("items", child), f"{path}.{name}")


def test_every_field_has_a_row() -> None:
    rows = {name.rpartition(".")[2] for name in re.findall(r"^\| `(\S+)`", document(), re.MULTILINE)}
    names = {path.rpartition(".")[2] for part in SCHEMA for path, *_ in fields(SCHEMA[part], part)}
    assert {"maxImagePixels", "matchLabels", "lastTransitionTime"} < names <= rows


def test_every_link_leads_to_a_section() -> None:
    sections = {
        re.sub(r"[^a-z]", "", name.lower()) for name in re.findall("^## (.*)$", document(), re.MULTILINE)
    }
    links = set(re.findall(r"\(#(\w+)\)", document()))
    assert {"specgateway", "statusconditions"} < links <= sections


def test_every_rule_of_the_api_server_is_told() -> None:
    text = document().lower()
    for part in SCHEMA:
        for path, node, _ in fields(SCHEMA[part], part):
            for rule in (
                *node.get("x-kubernetes-validations", ()),
                *SCHEMA[part].get("x-kubernetes-validations", ()),
            ):
                assert rule["message"].replace("|", "\\|").lower() in text, path


def test_every_optional_field_says_what_holds_without_it() -> None:
    """By a default, in words, or in a rule that makes it depend on another field."""
    silent = []
    for path, node, parent in fields(SCHEMA["spec"], "spec"):
        name = path.rpartition(".")[2]
        by_rule = any(name in rule["message"] for rule in parent.get("x-kubernetes-validations", ()))
        words = re.search("Default:|absent|empty|without it", node["description"], re.IGNORECASE)
        whole = "properties" in node and not node.get("required")
        if name not in parent.get("required", ()) and not (by_rule or words or whole):
            silent.append(f"{path}: {node['description']}")
    assert silent == []
