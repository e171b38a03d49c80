"""What the chart's values may be: every key is typed, every object closed, every refusal names its key."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from charts.readme import README, render, rows
from tests.unit.chart_kit import CHART, OWN_VERSION, template

SCHEMA = json.loads((CHART / "values.schema.json").read_text())
DEFAULTS = yaml.safe_load((CHART / "values.yaml").read_text())
VALUES_TEXT = (CHART / "values.yaml").read_text()
# Objects whose keys are the user's, or Kubernetes' and listed in the schema only.
FREE = {
    "commonLabels",
    "dashboards.annotations",
    "dashboards.labels",
    "nodeSelector",
    "policy.namespaceSelector",
    "prometheusRule.labels",
    "resources",
    "serviceAccount.annotations",
    "serviceMonitor.labels",
}
BAD: list[tuple[dict[str, Any], str]] = [
    ({"registry": "https://registry.example.com"}, "/registry"),
    ({"image": {"repository": ""}}, "/image/repository"),
    ({"image": {"tag": "not a tag"}}, "/image/tag"),
    ({"image": {"digest": "sha256:short"}}, "/image/digest"),
    ({"image": {"pullPolicy": "Sometimes"}}, "/image/pullPolicy"),
    ({"imagePullSecrets": ["pull"]}, "/imagePullSecrets/0"),
    ({"imagePullSecrets": [{"name": "Not_A_Name"}]}, "/imagePullSecrets/0/name"),
    ({"fullnameOverride": "x" * 53}, "/fullnameOverride"),
    ({"commonLabels": {"team": "über"}}, "/commonLabels/team"),
    (
        {"commonLabels": {"app.kubernetes.io/name": "mine"}},
        "commonLabels: app.kubernetes.io/name is the chart's own",
    ),
    ({"replicas": 0}, "/replicas"),
    ({"replicas": 6}, "/replicas"),
    ({"watch": {"namespaces": ["papers-*"]}}, "/watch/namespaces/0"),
    ({"watch": {"namespaces": ["papers", "papers"]}}, "/watch/namespaces"),
    ({"operator": {"logLevel": "INFO"}}, "/operator/logLevel"),
    ({"operator": {"workers": 0}}, "/operator/workers"),
    ({"operands": {"default": "latest"}}, "/operands/default"),
    ({"operands": {"default": "7.7.7"}}, "operands.default: 7.7.7 is none of the versions"),
    ({"operands": {"versions": [{"version": "9.9.9"}]}}, "/operands/versions/0"),
    ({"operands": {"versions": [{**OWN_VERSION, "version": "nine"}]}}, "/operands/versions/0/version"),
    ({"operands": {"versions": [{**OWN_VERSION, "gateway": ""}]}}, "/operands/versions/0/gateway"),
    ({"operands": {"versions": [{**OWN_VERSION, "modelServer": ""}]}}, "/operands/versions/0/modelServer"),
    ({"operands": {"versions": [{**OWN_VERSION, "models": []}]}}, "/operands/versions/0/models"),
    ({"operands": {"versions": [OWN_VERSION, OWN_VERSION]}}, "operands.versions: 9.9.9 is there twice"),
    ({"serviceAccount": {"create": False}}, "set serviceAccount.name"),
    ({"serviceAccount": {"name": "Not_A_Name"}}, "/serviceAccount/name"),
    ({"serviceAccount": {"annotations": {"a": 1}}}, "/serviceAccount/annotations/a"),
    ({"policy": {"enabled": True}}, "there is no limit: set one, such as policy.modelServer.maxReplicas"),
    ({"policy": {"validationActions": []}}, "/policy/validationActions"),
    ({"policy": {"validationActions": ["Refuse"]}}, "/policy/validationActions/0"),
    (
        {"policy": {"enabled": True, "requireAuth": True, "validationActions": ["Deny", "Warn"]}},
        "policy.validationActions: Deny and Warn would say the same twice",
    ),
    ({"policy": {"contact": 'the "platform" team'}}, "/policy/contact"),
    ({"policy": {"contact": "two\nlines"}}, "/policy/contact"),
    ({"policy": {"namespaceSelector": {"team": "a"}}}, "'team' not allowed"),
    ({"policy": {"gateway": {"maxReplicas": -1}}}, "/policy/gateway/maxReplicas"),
    ({"policy": {"gateway": {"maxCPU": 0}}}, "/policy/gateway/maxCPU"),
    ({"policy": {"modelServer": {"maxCPU": "0.0"}}}, "/policy/modelServer/maxCPU"),
    ({"policy": {"modelServer": {"maxMemory": "8 GB"}}}, "/policy/modelServer/maxMemory"),
    ({"policy": {"serviceTypes": ["ExternalName"]}}, "/policy/serviceTypes/0"),
    ({"resources": {"limits": {"memory": "1 GB"}}}, "/resources/limits/memory"),
    ({"resources": {"limits": {"gpu": 1}}}, "'gpu' not allowed"),
    ({"resources": {"memory": "1Gi"}}, "'memory' not allowed"),
    ({"nodeSelector": {"fast": True}}, "/nodeSelector/fast"),
    ({"tolerations": [{"operator": "Any"}]}, "/tolerations/0/operator"),
    ({"tolerations": [{"keys": "a"}]}, "'keys' not allowed"),
    ({"priorityClassName": "Not_A_Name"}, "/priorityClassName"),
    ({"networkPolicy": {"metricsFrom": [{}]}}, "/networkPolicy/metricsFrom/0"),
    ({"networkPolicy": {"metricsFrom": [{"namespace": "monitoring"}]}}, "'namespace' not allowed"),
    ({"networkPolicy": {"apiServerCIDRs": ["10.0.0.1"]}}, "/networkPolicy/apiServerCIDRs/0"),
    ({"networkPolicy": {"apiServerPorts": []}}, "/networkPolicy/apiServerPorts"),
    ({"networkPolicy": {"apiServerPorts": ["https"]}}, "/networkPolicy/apiServerPorts/0"),
    ({"serviceMonitor": {"labels": {"a": 1}}}, "/serviceMonitor/labels/a"),
    ({"serviceMonitor": {"interval": "often"}}, "/serviceMonitor/interval"),
    ({"prometheusRule": {"labels": {"a": "b c"}}}, "/prometheusRule/labels/a"),
    ({"prometheusRule": {"runbookBaseURL": "runbooks"}}, "/prometheusRule/runbookBaseURL"),
    (
        {"prometheusRule": {"enabled": True, "disabledAlerts": ["NoSuch"]}},
        "prometheusRule.disabledAlerts: NoSuch is none of the alerts",
    ),
    ({"dashboards": {"labels": {"a": 1}}}, "/dashboards/labels/a"),
    ({"dashboards": {"namespace": "Not_A_Name"}}, "/dashboards/namespace"),
]


def keys(values: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The path of every key that the chart has, objects' and values'."""
    for key, value in values.items():
        here = (*path, key)
        yield here
        if isinstance(value, dict) and ".".join(here) not in FREE:
            yield from keys(value, here)


KEYS = list(keys(DEFAULTS))
OBJECTS = sorted({path[:-1] for path in KEYS})


def with_value(path: tuple[str, ...], value: Any) -> dict[str, Any]:
    """Values with one key set."""
    for key in reversed(path):
        value = {key: value}
    return dict(value)


def refusal(values: dict[str, Any]) -> str:
    """What helm says when it does not take the values."""
    result = template(values)
    assert result.returncode != 0
    return result.stderr


@pytest.mark.parametrize("path", KEYS, ids=".".join)
def test_a_value_of_another_type_is_refused_by_its_key(path: tuple[str, ...]) -> None:
    # A number with a fraction is no value of any key.
    assert f"at '/{'/'.join(path)}'" in refusal(with_value(path, 0.5))


@pytest.mark.parametrize("path", OBJECTS, ids=lambda path: ".".join(path) or "the top")
def test_a_key_that_does_not_exist_is_refused_by_its_name(path: tuple[str, ...]) -> None:
    assert "'colour' not allowed" in refusal(with_value((*path, "colour"), "blue"))


@pytest.mark.parametrize(("values", "named"), BAD, ids=[json.dumps(values)[:60] for values, _ in BAD])
def test_a_bad_value_is_refused_by_name(values: dict[str, Any], named: str) -> None:
    assert named in refusal(values)


def test_every_value_has_a_type_and_every_object_is_closed() -> None:
    def compare(schema: dict[str, Any], path: tuple[str, ...]) -> None:
        below = {key[-1] for key in KEYS if key[:-1] == path}
        if below:
            assert schema["additionalProperties"] is False, path
            assert schema["properties"].keys() - {"global"} == below, path
            for key in below:
                compare(schema["properties"][key], (*path, key))

    compare(SCHEMA, ())


def test_the_readme_lists_every_value_with_its_default() -> None:
    assert README.read_text() == render(README.read_text(), VALUES_TEXT)
    listed = {key: json.loads(default) for key, default, _ in rows(VALUES_TEXT)}
    for key, default in listed.items():
        found: Any = DEFAULTS
        for part in key.split("."):
            found = found[part]
        assert found == default, key


def test_a_value_without_a_description_is_named() -> None:
    with pytest.raises(ValueError, match=r"image\.tag"):
        list(rows("image:\n  # -- A name.\n  name: a\n  tag: b\n"))
