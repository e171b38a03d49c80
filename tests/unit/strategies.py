"""What hypothesis draws: valid specs, from the constraints that the models themselves have."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from ocr_operator.models import jobs, protection
from ocr_operator.models import spec as models
from ocr_operator.models.base import FORM
from ocr_operator.models.spec import Spec

Schema = dict[str, Any]
Body = dict[str, Any]
Values = st.SearchStrategy[Any]

MODELS: Final[Mapping[str, Any]] = {**vars(jobs), **vars(protection), **vars(models)}
SCHEMA: Schema = Spec.model_json_schema(by_alias=True)
# Beyond these a longer value finds no more bugs, only slower.
ITEMS = 3
LENGTH = 40


def _mend_variable(value: Body) -> Body:
    """One source."""
    if "secretKeyRef" in value:
        return {name: value[name] for name in value if name != "value"}
    return {"value": "", **value}


def _mend_toleration(value: Body) -> Body:
    """What the other members ask for."""
    if "key" not in value:
        value = {**value, "operator": "Exists"}
    if "tolerationSeconds" in value:
        value = {**value, "effect": "NoExecute"}
    exists = value.get("operator") == "Exists"
    return {name: value[name] for name in value if not (exists and name == "value")}


def _mend_auth(value: Body) -> Body:
    """One way, the one that has what it needs."""
    kind = "JWT" if "jwt" in value else "APIKey" if "secretRef" in value else "None"
    return {**{n: value[n] for n in value if not (n == "secretRef" and kind == "JWT")}, "type": kind}


def _mend_jobs(value: Body) -> Body:
    """The store that a Redis asks for."""
    return {**value, "store": "Redis" if "redis" in value else "Memory"}


def _mend_gateway(value: Body) -> Body:
    """One pod, if jobs are in its memory."""
    alone = value.get("jobs", {}).get("store") == "Memory"
    return {**value, "replicas": 1} if alone else value


def _mend_service(value: Body) -> Body:
    """The type that a node port asks for."""
    return {**value, "type": "NodePort"} if "nodePort" in value else value


# To draw until the rules between fields hold by chance takes too long.
MENDERS: Final[Mapping[str, Callable[[Body], Body]]] = {
    "EnvVar": _mend_variable,
    "Toleration": _mend_toleration,
    "ExposeService": _mend_service,
    "Auth": _mend_auth,
    "Jobs": _mend_jobs,
    "Gateway": _mend_gateway,
}


def specs() -> st.SearchStrategy[Spec]:
    """Valid specs, with any of their fields absent."""
    return spec_bodies().map(Spec.model_validate)


def spec_bodies() -> st.SearchStrategy[Body]:
    """Valid specs as users write them: JSON data."""
    return _values(SCHEMA)


def _values(schema: Schema) -> Values:
    """Values that keep the schema and, where it is a model's, the model's own rules."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix("#/$defs/")
        model: type[BaseModel] = MODELS[name]
        mend = MENDERS.get(name, dict)
        return _values(SCHEMA["$defs"][name]).map(mend).filter(lambda value: _fits(model, value))
    if "x-kubernetes-int-or-string" in schema:
        return _texts(schema) | st.integers(0, 1000)
    if "anyOf" in schema:
        return st.one_of([_values(option) for option in schema["anyOf"] if option != {"type": "null"}])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    return _of_type(schema)


def _of_type(schema: Schema) -> Values:
    match schema["type"]:
        case "boolean":
            return st.booleans()
        case "integer":
            return st.integers(schema["minimum"], schema["maximum"])
        case "string":
            return _texts(schema)
        case "array":
            keys = schema.get("x-kubernetes-list-map-keys", ())
            unique = (lambda item: tuple(item[key] for key in keys)) if keys else None
            return st.lists(_values(schema["items"]), max_size=ITEMS, unique_by=unique)
        case "object" if "properties" in schema:
            return _objects(schema)
        case "object":
            keys = _texts({"maxLength": LENGTH, **schema["propertyNames"]})
            return st.dictionaries(keys, _values(schema["additionalProperties"]), max_size=ITEMS)
    raise AssertionError(f"no strategy for {schema}")


def _objects(schema: Schema) -> Values:
    members = {name: _values(child) for name, child in schema["properties"].items()}
    needed = {name: members.pop(name) for name in schema.get("required", ())}
    return st.fixed_dictionaries(needed, optional=members)


def _texts(schema: Schema) -> st.SearchStrategy[str]:
    longest = min(schema["maxLength"], LENGTH)
    if FORM not in schema:
        return st.text(max_size=longest)
    pattern = re.compile(schema[FORM]["pattern"].removesuffix("$") + r"\Z")
    return st.from_regex(pattern, fullmatch=True).filter(lambda text: len(text) <= longest)


def _fits(model: type[BaseModel], value: object) -> bool:
    try:
        model.model_validate(value)
    except ValidationError:
        return False
    return True
