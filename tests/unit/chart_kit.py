"""The operator's Helm chart, rendered by the real helm."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import yaml

from tests.cluster.helm import helm
from tests.cluster.upstreams import service_monitor_crd
from tests.support.schemas import closed

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "ocr-operator"
# Values files that are tested, and examples.
CI = sorted((CHART / "ci").glob("*-values.yaml"))
Values = dict[str, Any]
Manifest = dict[str, Any]
OWN_VERSION: Values = {
    "version": "9.9.9",
    "gateway": "elsewhere.example/gateway:9",
    "modelServer": "elsewhere.example/modelserver:9",
    "models": [{"name": "balanced", "sha256": "b" * 64, "languages": ["en"]}],
}


def ci_values(name: str) -> Values:
    """The values of ci/NAME-values.yaml."""
    values: Values = yaml.safe_load((CHART / "ci" / f"{name}-values.yaml").read_text())
    return values


def template(values: Values, namespace: str = "ocr-system") -> subprocess.CompletedProcess[str]:
    """`helm template` of the chart; JSON is YAML."""
    command = [str(helm()), "template", "ocr-operator", str(CHART), f"--namespace={namespace}", "--values=-"]
    return subprocess.run(command, input=json.dumps(values), capture_output=True, text=True, check=False)


def rendered(values: Values, namespace: str = "ocr-system") -> list[Manifest]:
    """All manifests, that of `helm test` too."""
    result = template(values, namespace)
    assert result.returncode == 0, result.stderr
    return [manifest for manifest in yaml.safe_load_all(result.stdout) if manifest]


def kinds(values: Values) -> set[str]:
    """What is rendered."""
    return {manifest["kind"] for manifest in rendered(values)}


def of_kind(manifests: list[Manifest], kind: str, name: str = "ocr-operator") -> Manifest:
    """The one manifest of this kind and name."""
    [found] = [each for each in manifests if (each["kind"], each["metadata"]["name"]) == (kind, name)]
    return found


def permissions(manifests: list[Manifest], *, named: bool = True) -> Iterator[tuple[str, str, str]]:
    """Every permission of the roles as group, resource, verb; those for objects of one name only if asked."""
    for manifest in manifests:
        for rule in manifest.get("rules", ()):
            if "resourceNames" in rule and not named:
                continue
            for group in rule["apiGroups"]:
                for resource in rule["resources"]:
                    yield from ((group, resource, verb) for verb in rule["verbs"])


@cache
def monitoring_schema(kind: str) -> dict[str, Any]:
    """The schema of a kind of the Prometheus operator, from its own CRD."""
    crd = service_monitor_crd().with_name(f"monitoring.coreos.com_{kind.lower()}s.yaml")
    schema = yaml.safe_load(crd.read_text())["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    found: dict[str, Any] = closed(schema)
    return found


def validate(manifest: Manifest) -> None:
    """Fail unless the manifest fits the schema of its kind, with no field too many."""
    if manifest["apiVersion"].startswith("monitoring.coreos.com/"):
        # A CRD says nothing about metadata.
        body = {key: value for key, value in manifest.items() if key != "metadata"}
        # Without a check of the schema itself: it has patterns that are Go's.
        jsonschema.Draft202012Validator(monitoring_schema(manifest["kind"])).validate(body)
    else:
        kubernetes_validate.validate(manifest, "1.35", strict=True)
