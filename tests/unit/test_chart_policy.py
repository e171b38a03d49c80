"""The chart's limits for tenants: off unless asked for, each with its field, its number and whom to ask."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from ocr_operator.crdgen.crd import SERVICE, root_schema
from ocr_operator.crdgen.defaults import render
from tests.unit.chart_kit import CHART, Manifest, Values, ci_values, kinds, of_kind, rendered

POLICY = "ValidatingAdmissionPolicy"
BINDING = "ValidatingAdmissionPolicyBinding"
SPEC = root_schema(SERVICE)["properties"]["spec"]
EACH: list[tuple[Values, set[str]]] = [
    *(
        pair
        for part in ("gateway", "modelServer")
        for pair in (
            ({part: {"maxCPU": "1500m"}}, {f"spec.{part}.resources.limits.cpu"}),
            ({part: {"maxMemory": "3Gi"}}, {f"spec.{part}.resources.limits.memory"}),
        )
    ),
    ({"gateway": {"maxReplicas": 7}}, {"spec.gateway.replicas", "spec.gateway.autoscaling.maxReplicas"}),
    (
        {"modelServer": {"maxReplicas": 7}},
        {
            "spec.modelServer.replicas",
            "spec.modelServer.autoscaling.maxReplicas",
            "spec.rollout.canary.replicas",
        },
    ),
    ({"serviceTypes": ["ClusterIP", "NodePort"]}, {"spec.expose.service.type"}),
    ({"allowIngress": False}, {"spec.expose.ingress"}),
    ({"allowGatewayAPI": False}, {"spec.expose.gatewayAPI"}),
    ({"requireAuth": True}, {"spec.gateway.auth.type"}),
    ({"requireTLS": True}, {"spec.gateway.tls", "spec.expose.ingress.tlsSecretRef"}),
    ({"requireIsolation": True}, {"spec.networkPolicy.mode"}),
]


def made(**values: Any) -> list[Manifest]:
    """What is rendered with these limits."""
    return rendered({"policy": {"enabled": True, **values}})


def messages(values: Values) -> list[str]:
    """What is said to who is over one of the limits."""
    return [each["message"] for each in of_kind(made(**values), POLICY)["spec"]["validations"]]


def member(schema: dict[str, Any], path: str) -> bool:
    """Whether the CRD has the field."""
    for name in path.split(".")[1:]:
        if name not in schema.get("properties", {}):
            return False
        schema = schema["properties"][name]
    return True


def test_there_are_no_limits_unless_they_are_asked_for() -> None:
    assert not {POLICY, BINDING} & kinds({"policy": {"requireAuth": True}})
    assert {POLICY, BINDING} <= kinds(ci_values("policy"))


def test_the_charts_defaults_are_what_make_generate_writes() -> None:
    assert (CHART / "files/defaults.yaml").read_text() == render(), "run make generate"


@pytest.mark.parametrize(("values", "fields"), EACH, ids=[json.dumps(values) for values, _ in EACH])
def test_a_limit_alone_is_told_by_fields_that_exist_and_its_number(values: Values, fields: set[str]) -> None:
    said = messages(values)
    assert {message.split()[0].rstrip(",") for message in said} == fields
    assert all(member(SPEC, field) for field in fields)
    numbers = re.findall(r'"max\w+": "?(\w+)', json.dumps(values))
    assert all(f"at most {number} here" in message for number in numbers for message in said)


def test_who_makes_exceptions_stands_in_each_message_if_it_is_told() -> None:
    limits = {key: value for values, _ in EACH for key, value in values.items()}
    asked = "; ask #ocr, it's free: ocr@example.com for an exception"
    assert all(
        said.endswith(asked) for said in messages(limits | {"contact": "#ocr, it's free: ocr@example.com"})
    )
    assert not any("ask" in said for said in messages(limits))


def test_a_whole_number_of_bytes_is_written_out() -> None:
    [said] = messages({"gateway": {"maxMemory": 8_000_000_000}})
    assert "at most 8000000000 here" in said


def test_limits_use_each_variable_that_there_is_and_no_other() -> None:
    spec = of_kind(rendered(ci_values("policy")), POLICY)["spec"]
    used = set(re.findall(r"variables\.(\w+)", json.dumps(spec)))
    assert used == {variable["name"] for variable in spec["variables"]}


def test_neither_the_status_nor_a_deletion_is_asked_about() -> None:
    [rule] = of_kind(made(requireAuth=True), POLICY)["spec"]["matchConstraints"]["resourceRules"]
    assert rule["resources"] == ["ocrservices", "ocrservices/scale"]
    assert rule["operations"] == ["CREATE", "UPDATE"]


def test_the_limits_hold_where_the_operator_works_and_the_selector_says() -> None:
    tenants = {"matchExpressions": [{"key": "example.com/tenant", "operator": "Exists"}]}
    everywhere = of_kind(made(requireAuth=True, namespaceSelector=tenants), BINDING)["spec"]
    assert everywhere["matchResources"]["namespaceSelector"] == tenants
    policy = {"enabled": True, "requireAuth": True, "namespaceSelector": tenants}
    some = of_kind(rendered({"policy": policy, "watch": {"namespaces": ["papers"]}}), BINDING)["spec"]
    watched = {"key": "kubernetes.io/metadata.name", "operator": "In", "values": ["papers"]}
    assert some["matchResources"]["namespaceSelector"] == {
        "matchExpressions": [*tenants["matchExpressions"], watched]
    }


def test_a_change_over_a_limit_has_the_consequence_of_the_values() -> None:
    binding = of_kind(made(requireAuth=True, validationActions=["Warn", "Audit"]), BINDING)["spec"]
    assert binding["validationActions"] == ["Warn", "Audit"]
    assert binding["policyName"] == "ocr-operator"
