"""What hypothesis draws: valid specs, from the constraints that the models themselves have."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from ocr_operator.models.base import FORM, Part
from ocr_operator.models.spec import SharedSpec, Spec

Schema = dict[str, Any]
Body = dict[str, Any]
Values = st.SearchStrategy[Any]


def _kinds_of(model: type[Part]) -> Iterator[type[Part]]:
    for kind in model.__subclasses__():
        yield from (kind, *_kinds_of(kind))


MODELS: Final[Mapping[str, type[Part]]] = {part.__name__: part for part in _kinds_of(Part)}
SCHEMA: Schema = Spec.model_json_schema(by_alias=True)
SHARED: Schema = SharedSpec.model_json_schema(by_alias=True)
# Beyond these a longer value finds no more bugs, only slower.
ITEMS = 3
LENGTH = 40


def _mend_variable(value: Body) -> Body:
    """One source."""
    if "secretKeyRef" in value:
        return {name: value[name] for name in value if name != "value"}
    return {"value": "", **value}


def _mend_model(value: Body) -> Body:
    """An own model with its digest, or one of the catalogue."""
    whole = value.keys() >= {"source", "sha256"}
    return {name: value[name] for name in value if whole or name not in {"source", "sha256"}}


def _mend_model_source(value: Body) -> Body:
    """One place."""
    for name in ("http", "persistentVolumeClaim"):
        if name in value:
            return {name: value[name]}
    return {"persistentVolumeClaim": {"claimName": "models"}}


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
    """One pod, if jobs are in its memory; one that sets the replicas, and not by what gateways have not."""
    if value.get("jobs", {}).get("store") == "Memory":
        return {**{name: value[name] for name in value if name != "autoscaling"}, "replicas": 1}
    value = _mend_model_server(value)
    scaling = value.get("autoscaling")
    if scaling is None:
        return value
    metrics = [metric for metric in scaling.get("metrics", ()) if metric["type"] != "QueueDepth"]
    return {**value, "autoscaling": {**scaling, "metrics": metrics}}


def _mend_rate(value: Body) -> Body:
    """Some amount."""
    return value if {"pods", "percent"} & value.keys() else {"pods": 1, **value}


def _mend_autoscaling(value: Body) -> Body:
    """Bounds that hold, and schedules within and above them."""
    least = value.get("minReplicas", 2)
    most = max(least, value["maxReplicas"])
    schedules = [
        {
            **schedule,
            "minReplicas": min(
                max(least, schedule["minReplicas"]), max(most, schedule.get("maxReplicas", most))
            ),
            **({"maxReplicas": max(most, schedule["maxReplicas"])} if "maxReplicas" in schedule else {}),
        }
        for schedule in value.get("schedules", ())
    ]
    return {**value, "maxReplicas": most, **({"schedules": schedules} if schedules else {})}


def _mend_model_server(value: Body) -> Body:
    """One that sets the replicas."""
    return {name: value[name] for name in value if not (name == "replicas" and "autoscaling" in value)}


def _mend_canary(value: Body) -> Body:
    """Weights that rise."""
    if "steps" not in value:
        return value
    steps = {step["weight"]: step for step in [*value["steps"], *([] if value["steps"] else [{"weight": 5}])]}
    return {**value, "steps": [steps[weight] for weight in sorted(steps)]}


def _mend_rollout(value: Body) -> Body:
    """The strategy that a canary asks for."""
    return {**value, "strategy": "Canary"} if "canary" in value else value


def _mend_service(value: Body) -> Body:
    """The type that a node port, a load balancer or a way of traffic asks for."""
    if "nodePort" in value:
        value = {**value, "type": "NodePort"}
    elif value.keys() & {"loadBalancerClass", "loadBalancerSourceRanges", "externalTrafficPolicy"}:
        return {**value, "type": "LoadBalancer"}
    return {name: value[name] for name in value if not name.startswith("loadBalancer")}


def _mend_expose(value: Body) -> Body:
    """One way in."""
    return {name: value[name] for name in value if not (name == "ingress" and "gatewayAPI" in value)}


def _mend_route(value: Body) -> Body:
    """A route from and to somewhere."""
    parents, hosts = value["parentRefs"] or [{"name": "edge"}], value["hostnames"] or ["a.b"]
    return {**value, "parentRefs": parents, "hostnames": hosts}


def _mend_spec(value: Body) -> Body:
    """A version that is pinned, or one that moves."""
    moves = value.get("upgradePolicy") == "Auto"
    return {name: value[name] for name in value if not (moves and name == "version")}


def _mend_peer(value: Body) -> Body:
    """One kind of peer."""
    if "ipBlock" in value:
        return {"ipBlock": value["ipBlock"]}
    return value or {"podSelector": {}}


def _mend_egress(value: Body) -> Body:
    """A rule that says something."""
    return value if any(value.values()) else {"ports": [{"port": 443}]}


# To draw until the rules between fields hold by chance takes too long.
MENDERS: Final[Mapping[str, Callable[[Body], Body]]] = {
    "EnvVar": _mend_variable,
    "Model": _mend_model,
    "ModelSource": _mend_model_source,
    "Toleration": _mend_toleration,
    "ExposeService": _mend_service,
    "SharedService": _mend_service,
    "Auth": _mend_auth,
    "Jobs": _mend_jobs,
    "Gateway": _mend_gateway,
    "Expose": _mend_expose,
    "GatewayApi": _mend_route,
    "Peer": _mend_peer,
    "Egress": _mend_egress,
    "ScalingRate": _mend_rate,
    "Autoscaling": _mend_autoscaling,
    "ModelServer": _mend_model_server,
    "Canary": _mend_canary,
    "Rollout": _mend_rollout,
}


def specs() -> st.SearchStrategy[Spec]:
    """Valid specs, with any of their fields absent."""
    return spec_bodies().map(Spec.model_validate)


def spec_bodies() -> st.SearchStrategy[Body]:
    """Valid specs as users write them: JSON data."""
    return _values(SCHEMA).map(_mend_spec)


def profile_bodies() -> st.SearchStrategy[Body]:
    """The same for a profile's spec."""
    return _values(SHARED)


def _values(schema: Schema) -> Values:
    """Values that keep the schema and, where it is a model's, the model's own rules."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix("#/$defs/")
        model = MODELS[name]
        mend = MENDERS.get(name, dict)
        return (
            _values({**SHARED["$defs"], **SCHEMA["$defs"]}[name])
            .map(mend)
            .filter(lambda value: _fits(model, value))
        )
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
