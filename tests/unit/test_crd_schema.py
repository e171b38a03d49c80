"""Translation into a structural schema, and the checks on the result."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, create_model

from ocr_operator.crdgen.check import problems
from ocr_operator.crdgen.schema import SchemaError, structural
from ocr_operator.models.base import Form


class Inner(BaseModel):
    """A part."""

    size: Annotated[int, Field(gt=0, lt=10)] = 3


class Outer(BaseModel):
    """
    A whole,
    in two lines.
    """

    inner: Inner = Inner()
    other: Inner = Field(default=Inner(size=5), description="Another.")
    maybe: Annotated[str, Field(max_length=5)] | None = None
    fixed: Literal["one"] = "one"
    labels: Annotated[
        dict[
            Annotated[str, Field(max_length=9), Form("[a-z]+", "write a-z")],
            Annotated[str, Field(max_length=5)],
        ],
        Field(max_length=4),
    ] = {}


class Tree(BaseModel):
    """Contains itself."""

    children: list[Tree] = []


def text(**more: Any) -> dict[str, Any]:
    """A good string."""
    return {"type": "string", "maxLength": 5, "description": "Text.", **more}


def thing(**properties: Any) -> dict[str, Any]:
    """An object with these properties."""
    return {"type": "object", "properties": properties}


def test_models_become_structural() -> None:
    size = {
        "description": "Default: 3.",
        "type": "integer",
        "format": "int64",
        "minimum": 0,
        "exclusiveMinimum": True,
        "maximum": 10,
        "exclusiveMaximum": True,
    }
    assert structural(Outer.model_json_schema()) == {
        "description": "A whole, in two lines.",
        "type": "object",
        "properties": {
            "inner": {"description": "A part.", "type": "object", "properties": {"size": size}},
            "other": {
                "description": 'Another. Default: {"size": 5}.',
                "type": "object",
                "properties": {"size": size},
            },
            "maybe": {"type": "string", "maxLength": 5},
            "fixed": {"description": "Default: one.", "type": "string", "enum": ["one"]},
            "labels": {
                "type": "object",
                "maxProperties": 4,
                "additionalProperties": {"type": "string", "maxLength": 5},
                "x-kubernetes-validations": [
                    {
                        "rule": "self.all(key, size(key) <= 9 && key.matches(r'^([a-z]+)$'))",
                        "message": "write a-z",
                    }
                ],
            },
        },
    }


@pytest.mark.parametrize(
    ("annotation", "says"),
    [
        (Tree, "Tree contains itself"),
        (int | str, "a union has no structural form"),
        (Inner | Tree, "a union has no structural form"),
        (tuple[int, str], "no structural form for minItems, prefixItems"),
        (set[int], "no structural form for uniqueItems"),
        (dict[str, Any], "a map needs a type for its values"),
        (Annotated[int, Field(multiple_of=2)], "no structural form for multipleOf"),
    ],
)
def test_what_a_crd_can_not_say_is_refused_with_its_place(annotation: Any, says: str) -> None:
    model = create_model("Made", field=(annotation, ...))
    with pytest.raises(SchemaError, match=f"field.*{says}"):
        structural(model.model_json_schema())


def test_a_good_schema_has_no_problems() -> None:
    items = {**thing(name=text()), "required": ["name"]}
    listing = {
        "type": "array",
        "maxItems": 2,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name"],
        "items": items,
        "description": "List.",
    }
    mapping = {"type": "object", "maxProperties": 2, "additionalProperties": text(), "description": "Map."}
    assert list(problems(thing(list=listing, map=mapping, text=text()), "spec")) == []


LIST = {
    "type": "array",
    "maxItems": 2,
    "x-kubernetes-list-type": "atomic",
    "items": text(),
    "description": "x",
}
BY_NAME = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        ({"description": "x"}, "spec.x: has no type"),
        ({"type": "null", "description": "x"}, "spec.x: has no type"),
        (text(title="X"), "spec.x: title is not allowed"),
        (text(default="x"), "spec.x: default is not allowed"),
        (text(nullable=True), "spec.x: nullable is not allowed"),
        ({"type": "string", "maxLength": 5}, "spec.x: has no description"),
        ({"type": "string", "description": "x"}, "spec.x: a string needs maxLength or enum"),
        (text(anyOf=[{"type": "string"}]), "spec.x: anyOf is only for int-or-string"),
        (text(pattern="a(?!b)"), "spec.x: RE2 has no lookaround and no backreference: a(?!b)"),
        (text(pattern=r"(a)\1"), r"spec.x: RE2 has no lookaround and no backreference: (a)\1"),
        (
            text(**{"x-kubernetes-validations": [{"rule": "true"}]}),
            "spec.x: a rule needs a message that says what to write instead",
        ),
        (text(**{"x-kubernetes-int-or-string": True}), "spec.x: int-or-string has no type"),
        ({**LIST, "maxItems": 2, "items": [text()]}, "spec.x: an array has one schema for all items"),
        ({key: LIST[key] for key in LIST if key != "maxItems"}, "spec.x: an array needs maxItems"),
        ({**LIST, "items": {"type": "string"}}, "spec.x[]: a string needs maxLength or enum"),
        ({**LIST, "x-kubernetes-list-type": None}, "spec.x: an array needs x-kubernetes-list-type"),
        ({**LIST, "x-kubernetes-list-type": "map"}, "spec.x: map keys are for lists of type map"),
        (
            {**LIST, **BY_NAME, "items": thing(name=text())},
            "spec.x: the map key name must be a required scalar of the items",
        ),
        ({"type": "object", "description": "x"}, "spec.x: an object has either properties or"),
        ({**thing(), "required": ["a"], "description": "x"}, "spec.x: requires a, which is no property"),
        ({**thing(a=text(title="A")), "description": "x"}, "spec.x.a: title is not allowed"),
        (
            {"type": "object", "additionalProperties": text(), "description": "x"},
            "spec.x: a map needs maxProperties",
        ),
        (
            {"type": "object", "additionalProperties": True, "maxProperties": 2, "description": "x"},
            "spec.x: a map needs a schema for its values",
        ),
    ],
)
def test_each_broken_rule_is_named_with_its_place(schema: dict[str, Any], says: str) -> None:
    found = list(problems(thing(x=schema), "spec"))
    assert [problem for problem in found if problem.startswith(says)]
