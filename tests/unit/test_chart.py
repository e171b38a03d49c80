"""The operator's Helm chart, rendered by the real helm."""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from ocr_operator.desired.deployment import PORT
from ocr_operator.desired.gateway import build_gateway
from ocr_operator.models.operands import Operands
from tests.cluster.helm import helm
from tests.unit.chart_kit import (
    CHART,
    CI,
    OWN_VERSION,
    ROOT,
    Manifest,
    Values,
    ci_values,
    kinds,
    of_kind,
    rendered,
    validate,
)
from tests.unit.samples import plan

VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
DIGEST = "sha256:" + "a" * 64
RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


def pod(values: Values) -> Manifest:
    """The spec of the operator's pod."""
    found: Manifest = of_kind(rendered(values), "Deployment")["spec"]["template"]["spec"]
    return found


def operands(values: Values) -> Operands:
    """What the operator is given."""
    data = of_kind(rendered(values), "ConfigMap", "ocr-operator-operands")["data"]["operands.yaml"]
    return Operands.model_validate(yaml.safe_load(data))


@pytest.mark.parametrize("values", CI, ids=lambda path: path.stem)
def test_helm_lint_finds_nothing(values: Path) -> None:
    command = [str(helm()), "lint", "--strict", "--quiet", f"--values={values}", str(CHART)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (0, "")


@pytest.mark.parametrize("values", CI, ids=lambda path: path.stem)
def test_what_is_rendered_fits_the_schemas_of_its_kinds(values: Path) -> None:
    for manifest in rendered(yaml.safe_load(values.read_text())):
        validate(manifest)


def test_the_chart_has_the_projects_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())

    assert (chart["version"], chart["appVersion"]) == (VERSION, VERSION)


def test_the_charts_copies_are_up_to_date() -> None:
    sources = {*(ROOT / "crds").glob("*.yaml")}
    copies = {*(CHART / "files" / "crds").glob("*.yaml")}
    assert {path.name: path.read_text() for path in copies} == {p.name: p.read_text() for p in sources}


def test_the_crds_are_the_generated_ones_and_stay_when_the_release_goes() -> None:
    crds = [manifest for manifest in rendered({}) if manifest["kind"] == "CustomResourceDefinition"]
    for crd in crds:
        assert crd["metadata"].pop("annotations") == {"helm.sh/resource-policy": "keep"}
    generated = [yaml.safe_load(path.read_text()) for path in sorted((ROOT / "crds").glob("*.yaml"))]
    assert sorted(crds, key=lambda crd: str(crd["metadata"]["name"])) == generated


def test_locked_down_makes_no_object_outside_of_namespaces() -> None:
    cluster_wide = {"CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding"}
    assert cluster_wide <= kinds({})
    assert not cluster_wide & kinds(ci_values("locked-down"))


@pytest.mark.parametrize("values", CI, ids=lambda path: path.stem)
def test_no_example_of_values_brings_a_webhook(values: Path) -> None:
    found = kinds(yaml.safe_load(values.read_text()))
    assert "Deployment" in found
    assert [kind for kind in found if "Webhook" in kind] == []


def test_the_operators_pod_and_that_of_helm_test_are_restricted() -> None:
    manifests = rendered({})
    specs = [
        of_kind(manifests, "Deployment")["spec"]["template"]["spec"],
        of_kind(manifests, "Pod", "ocr-operator-test")["spec"],
    ]
    for spec in specs:
        [container] = spec["containers"]
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container["securityContext"] == RESTRICTED


def test_helm_tests_pod_is_a_hook_that_no_service_takes_for_the_operator() -> None:
    manifests = rendered({})
    metadata = of_kind(manifests, "Pod", "ocr-operator-test")["metadata"]
    assert metadata["annotations"]["helm.sh/hook"] == "test"
    selector = of_kind(manifests, "Service")["spec"]["selector"]
    assert not selector.items() <= metadata["labels"].items()


@pytest.mark.parametrize(
    ("values", "image"),
    [
        ({}, f"ocr-operator:{VERSION}"),
        ({"registry": "r.example/ocr/"}, f"r.example/ocr/ocr-operator:{VERSION}"),
        ({"image": {"tag": "main"}}, "ocr-operator:main"),
        ({"image": {"tag": "main", "digest": DIGEST}}, f"ocr-operator@{DIGEST}"),
    ],
)
def test_the_image_is_in_the_registry_and_a_digest_wins(values: Values, image: str) -> None:
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
    def checksum(values: Values) -> str:
        metadata = of_kind(rendered(values), "Deployment")["spec"]["template"]["metadata"]
        return str(metadata["annotations"]["checksum/operands"])

    assert checksum({}) == checksum({"replicas": 2}) != checksum({"operands": {"versions": [OWN_VERSION]}})


def test_an_upgrade_ends_the_old_operator_only_when_the_new_one_is_ready() -> None:
    strategy = of_kind(rendered({}), "Deployment")["spec"]["strategy"]
    assert strategy == {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}


def test_two_replicas_are_spread_over_hosts_and_drained_one_by_one() -> None:
    manifests = rendered(ci_values("ha"))
    deployment, budget = of_kind(manifests, "Deployment"), of_kind(manifests, "PodDisruptionBudget")
    [spread] = deployment["spec"]["template"]["spec"]["topologySpreadConstraints"]
    assert spread["topologyKey"] == "kubernetes.io/hostname"
    assert budget["spec"]["maxUnavailable"] == 1
    selectors = [budget["spec"]["selector"], spread["labelSelector"]]
    assert selectors == [deployment["spec"]["selector"]] * 2
    assert "PodDisruptionBudget" not in kinds({"replicas": 1})


def test_common_labels_are_on_everything_but_the_crd_and_in_no_selector() -> None:
    manifests = rendered({"commonLabels": {"example.com/team": "documents"}})
    bare = {m["kind"] for m in manifests if "example.com/team" not in m["metadata"].get("labels", {})}
    assert bare == {"CustomResourceDefinition"}
    deployment = of_kind(manifests, "Deployment")["spec"]
    assert deployment["template"]["metadata"]["labels"]["example.com/team"] == "documents"
    assert "example.com/team" not in deployment["selector"]["matchLabels"]


def test_the_network_policy_lets_in_who_may_read_metrics_and_out_to_the_api() -> None:
    policy = of_kind(rendered(ci_values("locked-down")), "NetworkPolicy", "reader")["spec"]
    [ingress] = policy["ingress"]
    names = [
        peer.get("namespaceSelector", peer["podSelector"])["matchLabels"].popitem()[1]
        for peer in ingress["from"]
    ]
    assert names == ["monitoring", "ocr-operator"]
    dns, api, gateways = policy["egress"]
    assert {port["port"] for port in dns["ports"]} == {53}
    assert api == {
        "ports": [{"port": 6443, "protocol": "TCP"}],
        "to": [{"ipBlock": {"cidr": "192.0.2.10/32"}}],
    }
    assert gateways["ports"] == [{"port": PORT, "protocol": "TCP"}]
    [pods] = gateways["to"]
    made = build_gateway(plan())["spec"]["template"]["metadata"]["labels"].items()
    assert pods["podSelector"]["matchLabels"].items() <= made
    assert "NetworkPolicy" not in kinds({})


def test_the_network_policies_meet_between_helm_tests_pod_and_the_operators() -> None:
    manifests = rendered(ci_values("locked-down"))
    operator, test = (of_kind(manifests, "NetworkPolicy", name)["spec"] for name in ("reader", "reader-test"))
    assert operator["podSelector"] == of_kind(manifests, "Deployment", "reader")["spec"]["selector"]
    assert test["egress"][1]["to"] == [{"podSelector": operator["podSelector"]}]
    assert {"podSelector": test["podSelector"]} in operator["ingress"][0]["from"]
    labels = of_kind(manifests, "Pod", "reader-test")["metadata"]["labels"]
    assert test["podSelector"]["matchLabels"].items() <= labels.items()
