"""The operator's Helm chart, rendered by the real helm."""

from __future__ import annotations

import json
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from ocr_operator.models.operands import Operands
from tests.cluster.helm import helm

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "ocr-operator"
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
DIGEST = "sha256:" + "a" * 64
OWN_VERSION = {
    "version": "9.9.9",
    "gateway": "elsewhere.example/gateway:9",
    "modelServer": "elsewhere.example/modelserver:9",
    "models": [{"name": "balanced", "sha256": "b" * 64, "languages": ["en"]}],
}
GOOD: dict[str, dict[str, Any]] = {
    "the defaults": {},
    "two namespaces": {"watch": {"namespaces": ["papers", "mail"]}},
    "all that can be set": {
        "registry": "registry.example.com:5000/ocr",
        "image": {"digest": DIGEST, "pullPolicy": "Always"},
        "imagePullSecrets": [{"name": "pull"}],
        "fullnameOverride": "reader",
        "replicas": 2,
        "operator": {"logLevel": "debug", "workers": 8},
        "operands": {"default": "9.9.9", "versions": [OWN_VERSION]},
        "serviceAccount": {"name": "reader", "annotations": {"example.com/role": "reader"}},
        "resources": {"requests": {"cpu": 1}, "limits": {"cpu": "1.5", "memory": "1Gi"}},
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "tolerations": [{"key": "critical", "operator": "Exists", "effect": "NoSchedule"}],
        "priorityClassName": "system-cluster-critical",
        "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}, "interval": "1m"},
    },
}
BAD: list[tuple[dict[str, Any], str]] = [
    ({"colour": "blue"}, "'colour' not allowed"),
    ({"registry": "https://registry.example.com"}, "/registry"),
    ({"registry": 5}, "/registry"),
    ({"image": {"repository": ""}}, "/image/repository"),
    ({"image": {"tag": "not a tag"}}, "/image/tag"),
    ({"image": {"digest": "sha256:short"}}, "/image/digest"),
    ({"image": {"pullPolicy": "Sometimes"}}, "/image/pullPolicy"),
    ({"image": {"name": "ocr-operator"}}, "'name' not allowed"),
    ({"imagePullSecrets": ["pull"]}, "/imagePullSecrets/0"),
    ({"imagePullSecrets": [{"name": "Not_A_Name"}]}, "/imagePullSecrets/0/name"),
    ({"fullnameOverride": "x" * 53}, "/fullnameOverride"),
    ({"replicas": 0}, "/replicas"),
    ({"replicas": 6}, "/replicas"),
    ({"replicas": "2"}, "/replicas"),
    ({"crds": {"install": "yes"}}, "/crds/install"),
    ({"crds": {"keep": True}}, "'keep' not allowed"),
    ({"watch": {"namespaces": "papers"}}, "/watch/namespaces"),
    ({"watch": {"namespaces": ["papers-*"]}}, "/watch/namespaces/0"),
    ({"watch": {"namespaces": ["papers", "papers"]}}, "/watch/namespaces"),
    ({"watch": {"namespace": "papers"}}, "'namespace' not allowed"),
    ({"operator": {"logLevel": "INFO"}}, "/operator/logLevel"),
    ({"operator": {"workers": 0}}, "/operator/workers"),
    ({"operator": {"args": []}}, "'args' not allowed"),
    ({"operands": {"default": "latest"}}, "/operands/default"),
    ({"operands": {"default": "7.7.7"}}, "operands.default: 7.7.7 is none of the versions"),
    ({"operands": {"versions": [{"version": "9.9.9"}]}}, "/operands/versions/0"),
    ({"operands": {"versions": [{**OWN_VERSION, "version": "nine"}]}}, "/operands/versions/0/version"),
    ({"operands": {"versions": [{**OWN_VERSION, "gateway": ""}]}}, "/operands/versions/0/gateway"),
    ({"operands": {"versions": [{**OWN_VERSION, "modelServer": ""}]}}, "/operands/versions/0/modelServer"),
    ({"operands": {"versions": [{**OWN_VERSION, "models": []}]}}, "/operands/versions/0/models"),
    ({"operands": {"versions": [OWN_VERSION, OWN_VERSION]}}, "operands.versions: 9.9.9 is there twice"),
    ({"operands": {"image": "x"}}, "'image' not allowed"),
    ({"serviceAccount": {"create": "no"}}, "/serviceAccount/create"),
    ({"serviceAccount": {"create": False}}, "set serviceAccount.name"),
    ({"serviceAccount": {"name": "Not_A_Name"}}, "/serviceAccount/name"),
    ({"serviceAccount": {"annotations": {"a": 1}}}, "/serviceAccount/annotations/a"),
    ({"serviceAccount": {"token": True}}, "'token' not allowed"),
    ({"resources": {"limits": {"memory": "1 GB"}}}, "/resources/limits/memory"),
    ({"resources": {"limits": {"gpu": 1}}}, "'gpu' not allowed"),
    ({"resources": {"memory": "1Gi"}}, "'memory' not allowed"),
    ({"nodeSelector": {"fast": True}}, "/nodeSelector/fast"),
    ({"tolerations": [{"operator": "Any"}]}, "/tolerations/0/operator"),
    ({"tolerations": [{"keys": "a"}]}, "'keys' not allowed"),
    ({"priorityClassName": "Not_A_Name"}, "/priorityClassName"),
    ({"serviceMonitor": {"enabled": "auto"}}, "/serviceMonitor/enabled"),
    ({"serviceMonitor": {"labels": {"a": 1}}}, "/serviceMonitor/labels/a"),
    ({"serviceMonitor": {"interval": "often"}}, "/serviceMonitor/interval"),
    ({"serviceMonitor": {"path": "/metrics"}}, "'path' not allowed"),
]


def template(values: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    """`helm template` of the chart; JSON is YAML."""
    command = [str(helm()), "template", "ocr-operator", str(CHART), "--namespace=ocr-system", "--values=-"]
    return subprocess.run(command, input=json.dumps(values), capture_output=True, text=True, check=False)


def rendered(values: dict[str, Any]) -> list[dict[str, Any]]:
    result = template(values)
    assert result.returncode == 0, result.stderr
    return [manifest for manifest in yaml.safe_load_all(result.stdout) if manifest]


def one(manifests: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    [found] = [manifest for manifest in manifests if manifest["kind"] == kind]
    return found


def pod(values: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = one(rendered(values), "Deployment")["spec"]["template"]["spec"]
    return found


def operands(values: dict[str, Any]) -> Operands:
    data = one(rendered(values), "ConfigMap")["data"]["operands.yaml"]
    return Operands.model_validate(yaml.safe_load(data))


def rules(manifests: list[dict[str, Any]]) -> Iterator[tuple[str, str, str]]:
    """Every permission as group, resource, verb."""
    for manifest in manifests:
        for rule in manifest.get("rules", ()):
            for group in rule["apiGroups"]:
                for resource in rule["resources"]:
                    yield from ((group, resource, verb) for verb in rule["verbs"])


def test_helm_lint_finds_nothing() -> None:
    command = [str(helm()), "lint", "--strict", "--quiet", str(CHART)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (0, "")


@pytest.mark.parametrize("values", GOOD.values(), ids=GOOD.keys())
def test_what_is_rendered_fits_the_schemas_of_kubernetes(values: dict[str, Any]) -> None:
    for manifest in rendered(values):
        if manifest["kind"] != "ServiceMonitor":
            kubernetes_validate.validate(manifest, "1.35", strict=True)


@pytest.mark.parametrize(("values", "named"), BAD, ids=[json.dumps(values)[:60] for values, _ in BAD])
def test_a_bad_value_is_refused_by_name(values: dict[str, Any], named: str) -> None:
    result = template(values)
    assert result.returncode != 0
    assert named in result.stderr


def test_every_value_has_a_type_and_every_object_is_closed() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    del schema["properties"]["global"]
    free = {"serviceAccount.annotations", "resources", "nodeSelector", "serviceMonitor.labels"}

    def compare(schema: dict[str, Any], values: dict[str, Any], path: str) -> None:
        assert schema["additionalProperties"] is False, path
        assert schema["properties"].keys() == values.keys(), path
        for key, value in values.items():
            here = f"{path}.{key}".lstrip(".")
            if isinstance(value, dict) and here not in free:
                compare(schema["properties"][key], value, here)

    compare(schema, values, "")


def test_the_chart_has_the_projects_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())

    assert (chart["version"], chart["appVersion"]) == (VERSION, VERSION)


def test_the_charts_copies_are_up_to_date() -> None:
    sources = {*(ROOT / "crds").glob("*.yaml")}
    copies = {*(CHART / "files" / "crds").glob("*.yaml")}
    assert {path.name: path.read_text() for path in copies} == {p.name: p.read_text() for p in sources}


def test_the_crd_is_the_generated_one_and_stays_when_the_release_goes() -> None:
    crd = one(rendered({}), "CustomResourceDefinition")
    assert crd["metadata"].pop("annotations") == {"helm.sh/resource-policy": "keep"}
    assert crd == yaml.safe_load(
        (ROOT / "crds" / f"kubeocr.dev_{crd['spec']['names']['plural']}.yaml").read_text()
    )


def test_the_crd_can_be_left_out() -> None:
    assert "CustomResourceDefinition" not in {m["kind"] for m in rendered({"crds": {"install": False}})}


def test_the_pod_is_restricted() -> None:
    spec = pod({})
    [container] = spec["containers"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_the_operator_may_do_nothing_beyond_its_work() -> None:
    allowed = set(rules(rendered({})))
    assert not {rule for rule in allowed if "*" in rule}
    assert {verb for _, resource, verb in allowed if resource == "secrets"} == {"get"}
    assert {verb for _, resource, verb in allowed if resource == "ocrservices"} == {"get", "list", "watch"}
    powers = {"escalate", "bind", "impersonate", "deletecollection"}
    assert not {rule for rule in allowed if rule[2] in powers}


def test_in_two_namespaces_the_operator_has_a_role_in_each_and_no_right_elsewhere() -> None:
    manifests = rendered({"watch": {"namespaces": ["papers", "mail"]}})
    assert not {"ClusterRole", "ClusterRoleBinding"} & {manifest["kind"] for manifest in manifests}
    everywhere = set(rules([one(rendered({}), "ClusterRole")]))
    for namespace in ("papers", "mail"):
        [role] = [m for m in manifests if m["kind"] == "Role" and m["metadata"]["namespace"] == namespace]
        assert set(rules([role])) == everywhere
    arguments = one(manifests, "Deployment")["spec"]["template"]["spec"]["containers"][0]["args"]
    assert arguments[-2:] == ["--namespace=papers", "--namespace=mail"]


@pytest.mark.parametrize(
    ("values", "image"),
    [
        ({}, f"ocr-operator:{VERSION}"),
        ({"registry": "r.example/ocr/"}, f"r.example/ocr/ocr-operator:{VERSION}"),
        ({"image": {"tag": "main"}}, "ocr-operator:main"),
        ({"image": {"tag": "main", "digest": DIGEST}}, f"ocr-operator@{DIGEST}"),
    ],
)
def test_the_image_is_in_the_registry_and_a_digest_wins(values: dict[str, Any], image: str) -> None:
    assert pod(values)["containers"][0]["image"] == image


def test_the_charts_operand_images_are_in_the_registry() -> None:
    default = operands({"registry": "r.example/ocr"})
    [operand] = default.versions
    assert default.default == operand.version
    assert operand.gateway == f"r.example/ocr/ocr-gateway:{operand.version}"
    assert operand.model_server == f"r.example/ocr/ocr-modelserver:{operand.version}"


def test_an_operand_version_of_the_values_is_added_as_it_is() -> None:
    found = operands(
        {"registry": "r.example/ocr", "operands": {"default": "9.9.9", "versions": [OWN_VERSION]}}
    )
    added = found.find("9.9.9")
    assert found.default == "9.9.9"
    assert len(found.versions) == 2
    assert added
    assert added.dump() == OWN_VERSION


def test_an_operand_version_of_the_values_replaces_the_charts_own() -> None:
    [own] = operands({}).versions
    found = operands({"operands": {"versions": [{**OWN_VERSION, "version": own.version}]}})
    assert [operand.gateway for operand in found.versions] == [OWN_VERSION["gateway"]]


def test_other_operands_restart_the_operator_which_reads_them_only_once() -> None:
    def checksum(values: dict[str, Any]) -> str:
        metadata = one(rendered(values), "Deployment")["spec"]["template"]["metadata"]
        return str(metadata["annotations"]["checksum/operands"])

    assert checksum({}) == checksum({"replicas": 2}) != checksum({"operands": {"versions": [OWN_VERSION]}})


def test_the_service_monitor_finds_the_operators_service() -> None:
    manifests = rendered({"serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}}})
    monitor, service = one(manifests, "ServiceMonitor"), one(manifests, "Service")
    assert monitor["metadata"]["labels"]["release"] == "prometheus"
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert monitor["spec"]["endpoints"][0]["port"] in {port["name"] for port in service["spec"]["ports"]}
    assert "ServiceMonitor" not in {manifest["kind"] for manifest in rendered({})}
