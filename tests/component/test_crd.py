"""The committed CRD on a real apiserver."""

import json
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from hypothesis import given, settings

from ocr_operator.crdgen.crd import PROFILE, SERVICE
from tests.cluster.controlplane import ControlPlane
from tests.cluster.kubectl import CommandError, Kubectl
from tests.support.api import eventually
from tests.unit.crd_case import Case
from tests.unit.crd_cases import CASES
from tests.unit.strategies import spec_bodies

FOLDER = Path(__file__).parents[2] / "crds"
CRD = FOLDER / SERVICE.file_name
# What a schema refuses by.
RULES = frozenset(
    {"maximum", "minimum", "maxLength", "minLength", "pattern", "enum", "x-kubernetes-validations"}
)
URL = "/apis/kubeocr.dev/v1alpha1/namespaces/default/ocrservices"
PROFILES = "/apis/kubeocr.dev/v1alpha1/namespaces/default/ocrprofiles"
# What of a spec is one service's own.
OWN = ("profileRef", "version", "upgradePolicy", "suspend")
OWN_WAYS = ("ingress", "gatewayAPI")


@pytest.fixture(scope="module")
def crd(control_plane: ControlPlane) -> dict[str, Any]:
    """The CRD, as the apiserver has it once it serves both resources."""
    control_plane.kubectl.run("apply", "--server-side", "--force-conflicts", f"--filename={FOLDER}")
    name = f"crd/{SERVICE.name}"
    control_plane.kubectl.established(name, f"crd/{PROFILE.name}", seconds=30)
    found: dict[str, Any] = control_plane.kubectl.json("get", name)
    return found


@pytest.fixture(scope="module")
def api(control_plane: ControlPlane, crd: dict[str, Any]) -> Iterator[httpx.Client]:
    """The apiserver without kubectl, which would say some of what it refuses in other words."""
    trust = ssl.create_default_context(cafile=control_plane.access.ca)
    trust.load_cert_chain(*control_plane.access.pair("crd-table", ["system:masters"]))
    parameters = {"dryRun": "All", "fieldValidation": "Strict"}
    with httpx.Client(
        base_url=control_plane.access.server, verify=trust, params=parameters, timeout=30, trust_env=False
    ) as client:
        # The resources appear a moment after the condition.
        deadline = time.monotonic() + 30
        for url in (URL, PROFILES):
            while client.get(url).status_code == httpx.codes.NOT_FOUND and time.monotonic() < deadline:
                time.sleep(0.1)
        yield client


@pytest.fixture
def kubectl(control_plane: ControlPlane, api: httpx.Client, namespace: str) -> Kubectl:
    """kubectl in a namespace of its own, with the CRD served."""
    return Kubectl(control_plane.kubeconfig, namespace)


def service(name: str) -> dict[str, Any]:
    """The smallest OCRService."""
    return {
        "apiVersion": "kubeocr.dev/v1alpha1",
        "kind": "OCRService",
        "metadata": {"name": name},
        "spec": {},
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_the_apiserver_takes_and_refuses_what_the_table_says(case: Case, api: httpx.Client) -> None:
    assert_answered(case, api.post(URL, json=case.body))


def is_shared(case: Case) -> bool:
    """Whether all that a case says may stand in a profile."""
    if not isinstance(case.spec, dict) or case.name != "case":
        return False
    expose = case.spec.get("expose")
    ways = expose if isinstance(expose, dict) else {}
    service = ways.get("service")
    ports = service if isinstance(service, dict) else {}
    return not (case.spec.keys() & {*OWN} or ways.keys() & {*OWN_WAYS} or "nodePort" in ports)


SHARED = [case for case in CASES if is_shared(case)]


@pytest.mark.parametrize("case", SHARED, ids=lambda case: case.title)
def test_a_profile_is_held_to_the_rules_of_a_service(case: Case, api: httpx.Client) -> None:
    body = {**case.body, "kind": "OCRProfile"}
    assert_answered(case, api.post(PROFILES, json=body))


@pytest.mark.parametrize(
    "spec",
    [
        {"profileRef": {"name": "other"}},
        {"version": "0.1.0"},
        {"upgradePolicy": "Auto"},
        {"suspend": True},
        {"expose": {"ingress": {"host": "a.b"}}},
        {"expose": {"gatewayAPI": {"parentRefs": [{"name": "edge"}], "hostnames": ["a.b"]}}},
        {"expose": {"service": {"type": "NodePort", "nodePort": 30080}}},
    ],
)
def test_what_is_one_services_own_can_not_stand_in_a_profile(spec: dict[str, Any], api: httpx.Client) -> None:
    answer = api.post(PROFILES, json={**service("own"), "kind": "OCRProfile", "spec": spec})
    assert answer.status_code == httpx.codes.BAD_REQUEST
    assert "unknown field" in answer.text


def assert_answered(case: Case, answer: httpx.Response) -> None:
    """The answer is what the table says."""
    said = json.loads(answer.content)["message"] if answer.is_error else ""
    if case.refusal is None:
        assert said == ""
        assert answer.status_code == httpx.codes.CREATED
        return
    assert answer.status_code in {httpx.codes.BAD_REQUEST, httpx.codes.UNPROCESSABLE_ENTITY}
    assert case.refusal.server in said
    assert case.refusal.path in said


def test_the_crd_is_established_and_structural(crd: dict[str, Any]) -> None:
    conditions = {each["type"]: each["status"] for each in crd["status"]["conditions"]}
    assert conditions == {"NamesAccepted": "True", "Established": "True"}


def test_a_spec_that_says_nothing_is_stored_as_it_is(kubectl: Kubectl) -> None:
    kubectl.apply(service("plain"), "--server-side", "--field-manager=test")
    stored = kubectl.json("get", "ocrs", "plain")
    assert stored["spec"] == {}
    assert stored["metadata"]["generation"] == 1


def test_null_is_dropped_and_not_stored(kubectl: Kubectl) -> None:
    kubectl.run("create", "--filename=-", stdin=json.dumps({**service("null"), "spec": {"version": None}}))
    assert kubectl.json("get", "ocrs", "null")["spec"] == {}


def test_a_spec_without_replicas_can_be_scaled(kubectl: Kubectl) -> None:
    kubectl.apply(service("scaled"))
    kubectl.run("scale", "ocrservice/scaled", "--replicas=3")
    stored = kubectl.json("get", "ocrs", "scaled")
    assert stored["spec"] == {"modelServer": {"replicas": 3}}
    kubectl.run("scale", "ocrservice/scaled", "--current-replicas=3", "--replicas=0")
    assert kubectl.json("get", "ocrs", "scaled")["spec"] == {"modelServer": {"replicas": 0}}
    with pytest.raises(CommandError, match="less than or equal to 1000"):
        kubectl.run("scale", "ocrservice/scaled", "--replicas=1001")


def test_the_scale_of_a_spec_without_replicas_can_not_be_read(kubectl: Kubectl) -> None:
    # So an autoscaler must aim at the Deployment. A default would write into every user's spec.
    kubectl.apply(service("unset"))
    with pytest.raises(CommandError, match=r"\.spec\.modelServer\.replicas\" does not exist"):
        kubectl.run("get", "ocrservice/unset", "--subresource=scale")


def test_scale_tells_the_pods_and_their_selector(kubectl: Kubectl) -> None:
    kubectl.apply({**service("told"), "spec": {"modelServer": {"replicas": 2}}})
    status = {"status": {"replicas": 2, "selector": "kubeocr.dev/service=told"}}
    kubectl.run(
        "patch", "ocrs", "told", "--subresource=status", "--type=merge", f"--patch={json.dumps(status)}"
    )
    scale = kubectl.json("get", "ocrs", "told", "--subresource=scale")
    assert scale["status"] == status["status"]


def test_status_and_spec_are_written_apart(kubectl: Kubectl) -> None:
    kubectl.apply({**service("apart"), "status": {"replicas": 7}})
    assert "status" not in kubectl.json("get", "ocrs", "apart")
    both = json.dumps({"spec": {"suspend": True}, "status": {"replicas": 1}})
    kubectl.run("patch", "ocrs", "apart", "--subresource=status", "--type=merge", f"--patch={both}")
    stored = kubectl.json("get", "ocrs", "apart")
    assert (stored["spec"], stored["status"]) == ({}, {"replicas": 1})


def test_get_prints_what_users_ask_first(kubectl: Kubectl) -> None:
    kubectl.apply(service("shown"))
    assert kubectl.run("get", "ocr").split("\n")[0].split() == [
        "NAME", "READY", "REASON", "MODEL", "SERVERS", "GATEWAYS", "URL", "AGE",
    ]  # fmt: skip
    component = {"desired": 2, "updated": 2, "image": "localhost/image:1"}
    condition = {"lastTransitionTime": "2026-01-01T00:00:00Z", "observedGeneration": 1}
    status = {
        "conditions": [
            {"type": "Stalled", "status": "True", "reason": "Other", "message": "Other", **condition},
            {"type": "Ready", "status": "False", "reason": "Starting", "message": "Wait.", **condition},
        ],
        "model": {"name": "balanced", "sha256": "0" * 64},
        "version": {"operand": "0.1.0", "operator": "0.2.0"},
        "components": [
            {"name": "gateway", "ready": 1, "summary": "1/2", **component},
            {"name": "model-server", "ready": 2, "summary": "2/2", **component},
        ],
        "address": {"url": "http://shown.default.svc"},
    }
    patch = json.dumps({"status": status})
    kubectl.run("patch", "ocrs", "shown", "--subresource=status", "--type=merge", f"--patch={patch}")
    row = kubectl.run("get", "ocrs", "--output=wide", "--no-headers").split()
    assert row[:7] == [
        "shown",
        "False",
        "Starting",
        "balanced",
        "2/2",
        "1/2",
        "http://shown.default.svc",
    ]
    assert row[8:] == ["0.1.0", "Wait."]


def test_explain_tells_types_choices_and_defaults(kubectl: Kubectl) -> None:
    assert "An OCR endpoint" in kubectl.run("explain", "ocrservice")
    everything = kubectl.run("explain", "ocrservice.spec", "--recursive")
    assert "maxImagePixels\t<integer>" in everything
    assert "secretKeyRef\t<Object>" in everything
    runtime = kubectl.run("explain", "ocrservice.spec.modelServer.runtime")
    assert "enum: throughput, latency" in runtime
    assert "Default: 64." in runtime
    assert "2 when absent" in kubectl.run("explain", "ocrservice.spec.gateway.replicas")


def test_two_managers_share_the_variables_by_name(kubectl: Kubectl) -> None:
    for name in ("A", "B"):
        mine = {**service("shared"), "spec": {"modelServer": {"env": [{"name": name, "value": "x"}]}}}
        kubectl.apply(mine, "--server-side", f"--field-manager={name}")
    stored = kubectl.json("get", "ocrs", "shared")["spec"]
    assert [variable["name"] for variable in stored["modelServer"]["env"]] == ["A", "B"]


def test_a_profile_is_listed_with_its_model_and_explained(kubectl: Kubectl) -> None:
    kubectl.apply({**service("shared"), "kind": "OCRProfile", "spec": {"model": {"name": "fast"}}})
    header, row = kubectl.run("get", "ocrp").splitlines()
    assert header.split() == ["NAME", "MODEL", "AGE"]
    assert row.split()[:2] == ["shared", "fast"]
    everything = kubectl.run("explain", "ocrprofile.spec", "--recursive")
    assert "maxImagePixels\t<integer>" in everything
    assert "suspend" not in everything
    kubectl.apply({**service("taker"), "spec": {"profileRef": {"name": "shared"}}})
    assert "shared" in kubectl.run("get", "ocrs", "taker", "--output=wide")


@given(spec=spec_bodies())
@settings(max_examples=50)
def test_the_apiserver_takes_every_spec_that_the_models_take(api: httpx.Client, spec: dict[str, Any]) -> None:
    answer = api.post(URL, json={**service("drawn"), "spec": spec})
    assert answer.status_code == httpx.codes.CREATED, answer.text


def test_an_object_from_before_a_rule_still_takes_other_changes(
    kubectl: Kubectl, crd: dict[str, Any]
) -> None:
    """Ratcheting (KEP-4008): what was stored under an older CRD is judged where it changes only."""

    def takes(spec: dict[str, Any]) -> bool:
        body = service("probe") | {"spec": spec}
        try:
            kubectl.apply(body, "--server-side", "--dry-run=server")
        except CommandError:
            return False
        return True

    def patch(spec: dict[str, Any], *flags: str, member: str = "spec") -> None:
        change = json.dumps({member: spec})
        kubectl.run("patch", "ocrs", "old", "--type=merge", f"--patch={change}", *flags)

    old = {"gateway": {"limits": {"maxPages": 5000}, "auth": {"type": "APIKey"}}}
    kubectl.apply(without_rules(CRD.read_text()), "--server-side", "--force-conflicts")
    try:
        eventually("the older CRD is served", lambda: takes(old))
        kubectl.apply(service("old") | {"spec": old})
    finally:
        kubectl.apply(CRD.read_text(), "--server-side", "--force-conflicts")
    eventually("the newer CRD is served", lambda: not takes(old))

    patch({"suspend": True})
    patch({"replicas": 1}, "--subresource=status", member="status")
    with pytest.raises(CommandError, match=r"spec\.gateway\.limits\.maxPages"):
        patch({"gateway": {"limits": {"maxPages": 6000}}})
    with pytest.raises(CommandError, match="jwt says which tokens are taken"):
        patch({"gateway": {"auth": {"type": "JWT"}}})
    patch({"gateway": {"limits": {"maxPages": 2000}, "auth": {"secretRef": {"name": "keys"}}}})
    assert kubectl.json("get", "ocrs", "old")["spec"]["suspend"] is True


def without_rules(text: str) -> str:
    """A CRD as it may have been before: the same fields, with neither limits nor rules."""

    def walk(schema: Any) -> Any:
        if isinstance(schema, dict):
            return {key: walk(value) for key, value in schema.items() if key not in RULES}
        return [walk(each) for each in schema] if isinstance(schema, list) else schema

    crd = yaml.safe_load(text)
    for version in crd["spec"]["versions"]:
        version["schema"] = walk(version["schema"])
    return json.dumps(crd)
