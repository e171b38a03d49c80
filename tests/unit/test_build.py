"""What the operator builds from a spec. Whole manifests are in tests/golden."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from hypothesis import given

from ocr_operator.desired.build import build
from ocr_operator.desired.deployment import build_scales
from ocr_operator.desired.plan import Facts, Plan, operand_version
from ocr_operator.models.manifest import Manifest, ref
from ocr_operator.models.service import parse
from ocr_operator.models.spec import Spec
from tests.unit.samples import OPERANDS, ocr_service, plan
from tests.unit.strategies import specs

GOLDEN = Path(__file__).parents[1] / "golden"
CASES = sorted(file.parent.name for file in GOLDEN.glob("*/ocrservice.yaml"))


def rendered(made: Plan) -> list[Manifest]:
    return [*build(made), *build_scales(made)]


def by_name(made: Plan, kind: str, name: str) -> Manifest:
    return next(m for m in build(made) if m["kind"] == kind and m["metadata"]["name"] == name)


def container(made: Plan, component: str) -> dict[str, Any]:
    manifest = by_name(made, "Deployment", f"invoices-{component}")
    found: dict[str, Any] = manifest["spec"]["template"]["spec"]["containers"][0]
    return found


@pytest.mark.parametrize("case", CASES)
def test_manifests_are_byte_for_byte_those_of_the_golden_files(
    case: str, request: pytest.FixtureRequest
) -> None:
    folder = GOLDEN / case
    body = yaml.safe_load((folder / "ocrservice.yaml").read_text())
    body["metadata"] |= {"namespace": "papers", "uid": "5f1b0a52-0000-4000-8000-000000000000"}
    operand = OPERANDS.find(OPERANDS.default)
    assert operand is not None
    made = Plan(parse(body), operand, Facts(service_monitors=True))
    text = yaml.safe_dump_all(rendered(made), sort_keys=False, width=110)
    expected = folder / "expected.yaml"
    if request.config.getoption("--update-golden"):
        expected.write_text(text)
    assert text == expected.read_text(), "run pytest tests/unit --update-golden and read the diff"


@pytest.mark.parametrize("case", CASES)
def test_golden_manifests_fit_the_schemas_of_kubernetes(case: str) -> None:
    for manifest in yaml.safe_load_all((GOLDEN / case / "expected.yaml").read_text()):
        if not manifest["apiVersion"].startswith("monitoring.coreos.com/") and "selector" in manifest.get(
            "spec", {"selector": None}
        ):
            kubernetes_validate.validate(manifest, "1.35", strict=True)


@given(specs())
def test_every_valid_spec_builds_restricted_pods_owned_by_the_service(spec: Spec) -> None:
    made = plan(spec.dump(), service_monitors=True)
    for manifest in build(made):
        metadata = manifest["metadata"]
        assert len(metadata["name"]) <= 63
        assert [owner["uid"] for owner in metadata["ownerReferences"]] == ["u-1"]
        assert not any("argocd" in label for label in metadata["labels"])
        assert "null" not in json.dumps(manifest)
        if manifest["kind"] == "Deployment":
            template = manifest["spec"]["template"]
            assert (
                manifest["spec"]["selector"]["matchLabels"].items() <= template["metadata"]["labels"].items()
            )
            assert_restricted(template["spec"])


def assert_restricted(pod: dict[str, Any]) -> None:
    """https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted and more."""
    assert pod["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    assert not pod["automountServiceAccountToken"]
    assert not pod["enableServiceLinks"]
    for one in pod["containers"]:
        assert one["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        }


@given(specs())
def test_building_twice_gives_the_same(spec: Spec) -> None:
    assert rendered(plan(spec.dump())) == rendered(plan(spec.dump()))


@given(specs(), specs())
def test_selectors_never_change_with_the_spec(one: Spec, other: Spec) -> None:
    def selectors(spec: Spec) -> list[Any]:
        return [m["spec"]["selector"] for m in build(plan(spec.dump())) if m["kind"] == "Deployment"]

    assert selectors(one) == selectors(other)


def test_the_deployment_leaves_replicas_to_their_own_field_manager() -> None:
    made = plan({"modelServer": {"replicas": 5}})
    assert all("replicas" not in m["spec"] for m in build(made) if m["kind"] == "Deployment")
    assert {ref(m).name: m["spec"]["replicas"] for m in build_scales(made)} == {
        "invoices-gateway": 2,
        "invoices-model-server": 5,
    }


def test_a_suspended_service_keeps_its_children_and_runs_no_pods() -> None:
    made = plan({"suspend": True, "modelServer": {"replicas": 5}})
    assert {m["spec"]["replicas"] for m in build_scales(made)} == {0}
    assert {m["kind"] for m in build(made)} == {"ServiceAccount", "Service", "Deployment"}


@pytest.mark.parametrize(("replicas", "budget"), [(0, False), (1, False), (2, True), (7, True)])
def test_a_disruption_budget_exists_from_two_replicas_on(replicas: int, budget: bool) -> None:
    names = {
        m["metadata"]["name"]
        for m in build(plan({"modelServer": {"replicas": replicas}}))
        if m["kind"] == "PodDisruptionBudget"
    }
    assert ("invoices-model-server" in names) == budget


@pytest.mark.parametrize(
    ("resources", "threads", "expected"),
    [
        ({"requests": {"cpu": "1"}}, 0, 1),
        ({"requests": {"cpu": "250m"}}, 0, 1),
        ({"requests": {"cpu": "1500m"}}, 0, 2),
        ({"requests": {"cpu": "1"}, "limits": {"cpu": 4}}, 0, 4),
        ({"requests": {"memory": "1Gi"}}, 0, 0),
        ({"requests": {"cpu": "1"}}, 3, 3),
    ],
)
def test_threads_come_from_the_pod_never_from_the_host(
    resources: dict[str, Any], threads: int, expected: int
) -> None:
    made = plan({"modelServer": {"resources": resources, "runtime": {"threads": threads}}})
    assert f"--threads={expected}" in container(made, "model-server")["args"]


def test_a_pod_may_drain_and_answer_its_last_request_before_it_is_killed() -> None:
    made = plan({"gateway": {"drainSeconds": 7, "limits": {"requestTimeoutSeconds": 30}}})
    for component in ("gateway", "model-server"):
        pod = by_name(made, "Deployment", f"invoices-{component}")["spec"]["template"]["spec"]
        assert pod["terminationGracePeriodSeconds"] >= 7 + 7 + 30
        assert pod["containers"][0]["lifecycle"] == {"preStop": {"sleep": {"seconds": 7}}}


def test_without_a_drain_there_is_no_pre_stop_hook() -> None:
    assert "lifecycle" not in container(plan({"gateway": {"drainSeconds": 0}}), "gateway")


def test_a_secret_reaches_the_pod_as_a_reference_only() -> None:
    made = plan({"modelServer": {"env": [{"name": "TOKEN", "secretKeyRef": {"name": "s", "key": "k"}}]}})
    assert {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}} in container(
        made, "model-server"
    )["env"]


def pod(made: Plan, component: str = "gateway") -> dict[str, Any]:
    found: dict[str, Any] = by_name(made, "Deployment", f"invoices-{component}")["spec"]["template"]["spec"]
    return found


@pytest.mark.parametrize(
    ("gateway", "arguments", "folder"),
    [
        (
            {"auth": {"type": "APIKey", "secretRef": {"name": "s"}}},
            ["--api-keys-dir=/etc/kubeocr/api-keys"],
            "api-keys",
        ),
        (
            {
                "auth": {
                    "type": "JWT",
                    "jwt": {"issuer": "i", "audience": "a", "jwksSecretRef": {"name": "s"}},
                }
            },
            ["--jwks-file=/etc/kubeocr/jwks/jwks.json", "--jwt-issuer=i", "--jwt-audience=a"],
            "jwks",
        ),
        (
            {"tls": {"secretRef": {"name": "s"}}},
            ["--tls-cert-file=/etc/kubeocr/tls/tls.crt", "--tls-key-file=/etc/kubeocr/tls/tls.key"],
            "tls",
        ),
        (
            {
                "jobs": {
                    "store": "Redis",
                    "redis": {"secretKeyRef": {"name": "s", "key": "url"}},
                    "maxJobs": 9,
                }
            },
            [
                "--job-store=redis",
                "--redis-url-file=/etc/kubeocr/redis/url",
                "--job-ttl-seconds=3600",
                "--job-timeout-seconds=900",
                "--max-jobs=9",
            ],
            "redis",
        ),
    ],
)
def test_a_secret_of_the_gateway_is_a_folder_that_its_user_can_read_and_nobody_can_write(
    gateway: dict[str, Any], arguments: list[str], folder: str
) -> None:
    made = plan({"gateway": gateway})
    secret = {"secretName": "s", "defaultMode": 0o444, "optional": False}
    assert {"name": folder, "secret": secret} in pod(made)["volumes"]
    mount = {"name": folder, "mountPath": f"/etc/kubeocr/{folder}", "readOnly": True}
    assert mount in container(made, "gateway")["volumeMounts"]
    assert container(made, "gateway")["args"][-len(arguments) :] == arguments
    assert [volume["name"] for volume in pod(made, "model-server")["volumes"]] == ["tmp"]


def test_with_tls_everything_that_calls_the_gateway_speaks_https() -> None:
    made = plan({"gateway": {"tls": {"secretRef": {"name": "s"}}}}, service_monitors=True)
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        asked = container(made, "gateway")[probe]["httpGet"]
        assert (asked["port"], asked["scheme"]) == ("https", "HTTPS")
    assert by_name(made, "Service", "invoices-gateway")["spec"]["ports"] == [
        {"name": "https", "port": 443, "targetPort": "https", "protocol": "TCP"}
    ]
    schemes = {
        e["port"]: e.get("scheme") for e in by_name(made, "ServiceMonitor", "invoices")["spec"]["endpoints"]
    }
    assert schemes == {"http": None, "https": "https"}


@pytest.mark.parametrize(
    ("rate", "flags"),
    [
        ({"requestsPerSecond": 5}, ["--client-rate=5"]),
        ({"requestsPerSecond": 5, "burst": 9}, ["--client-rate=5", "--client-burst=9"]),
    ],
)
def test_a_rate_per_client_reaches_the_gateway(rate: dict[str, int], flags: list[str]) -> None:
    arguments = container(plan({"gateway": {"limits": {"ratePerClient": rate}}}), "gateway")["args"]
    assert [argument for argument in arguments if argument.startswith("--client-")] == flags


@pytest.mark.parametrize(
    ("mode", "served", "made"),
    [("Auto", True, True), ("Auto", False, False), ("Enabled", True, True), ("Disabled", True, False)],
)
def test_a_service_monitor_is_made_when_wanted_and_known(mode: str, served: bool, made: bool) -> None:
    spec = {"observability": {"serviceMonitor": {"mode": mode, "labels": {"release": "prom"}}}}
    monitors = [m for m in build(plan(spec, service_monitors=served)) if m["kind"] == "ServiceMonitor"]
    assert len(monitors) == made
    assert all(m["metadata"]["labels"]["release"] == "prom" for m in monitors)


def test_the_operand_version_is_as_asked_else_held_else_the_default() -> None:
    held = {"version": {"operand": "0.1.0", "operator": "0.1.0"}}
    newer = OPERANDS.model_copy(update={"default": "0.2.0"})
    assert operand_version(ocr_service(), newer) == "0.2.0"
    assert operand_version(ocr_service(status=held), newer) == "0.1.0"
    assert operand_version(ocr_service({"version": "0.2.0"}, status=held), newer) == "0.2.0"
