"""The Argo CD manifests, against the schemas of the CRDs that Argo CD's own Go module carries."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from ocr_operator.models.service import parse
from tests.cluster.helm import helm
from tests.cluster.upstreams import module

ROOT = Path(__file__).parents[2]
FILES = [
    path for folder in ("apps", "projects") for path in sorted((ROOT / "argocd" / folder).glob("*.yaml"))
]
MODULE = "github.com/argoproj/argo-cd/v3@v3.2.11"
MODULE_SUM = "h1:3hkR11XCp/nlyM2cWr3qeUSGuZgi3JkFdMpzgL5qOR8="


def load(path: Path) -> dict[str, Any]:
    [document] = yaml.safe_load_all(path.read_text())
    found: dict[str, Any] = document
    return found


def documents(kind: str) -> dict[str, dict[str, Any]]:
    """All manifests of a kind by their name."""
    loaded = [load(path) for path in FILES]
    return {manifest["metadata"]["name"]: manifest for manifest in loaded if manifest["kind"] == kind}


PROJECTS = documents("AppProject")
APPLICATIONS = documents("Application")


@pytest.fixture(scope="module")
def schemas() -> dict[str, dict[str, Any]]:
    """Argo CD's schemas by kind, closed: the API drops a field that it does not know."""
    folder = module(MODULE, MODULE_SUM) / "manifests/crds"
    crds = [yaml.safe_load(path.read_text()) for path in folder.glob("*-crd.yaml")]
    return {crd["spec"]["names"]["kind"]: closed(crd["spec"]["versions"][0]["schema"]) for crd in crds}


def closed(schema: Any) -> Any:
    """The schema with unknown members of its objects refused."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    copy = {key: closed(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
        copy.setdefault("additionalProperties", False)
    return copy


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_argo_cd_knows_every_field(path: Path, schemas: dict[str, dict[str, Any]]) -> None:
    manifest = load(path)
    schema = schemas[manifest["kind"]]["openAPIV3Schema"]
    jsonschema.validate(
        {key: manifest[key] for key in manifest.keys() - {"metadata"}} | {"metadata": {}}, schema
    )


def test_the_schemas_refuse_a_field_that_argo_cd_does_not_know(schemas: dict[str, dict[str, Any]]) -> None:
    application = {**APPLICATIONS["ocr-operator"], "metadata": {}}
    application["spec"] = {**application["spec"], "syncPolicies": {}}
    with pytest.raises(jsonschema.ValidationError, match="syncPolicies"):
        jsonschema.validate(application, schemas["Application"]["openAPIV3Schema"])


@pytest.mark.parametrize("project", PROJECTS.values(), ids=PROJECTS.keys())
def test_no_project_has_a_wildcard(project: dict[str, Any]) -> None:
    assert "*" not in json.dumps(project)
    assert "argocd" not in {destination["namespace"] for destination in project["spec"]["destinations"]}


@pytest.mark.parametrize("application", APPLICATIONS.values(), ids=APPLICATIONS.keys())
def test_an_application_stays_within_its_project(application: dict[str, Any]) -> None:
    spec = application["spec"]
    project = PROJECTS[spec["project"]]["spec"]
    assert spec["source"]["repoURL"] in project["sourceRepos"]
    assert spec["destination"] in project["destinations"]
    assert (ROOT / spec["source"]["path"]).is_dir()


def kinds_of_the_chart(values: dict[str, Any]) -> set[tuple[str, str]]:
    """Group and kind of everything that the operator's Application renders with further values."""
    source = APPLICATIONS["ocr-operator"]["spec"]["source"]
    command = [
        str(helm()),
        "template",
        source["helm"]["releaseName"],
        str(ROOT / source["path"]),
        "--values=-",
    ]
    text = subprocess.run(
        command,
        input=json.dumps(source["helm"]["valuesObject"] | values),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    manifests = [manifest for manifest in yaml.safe_load_all(text) if manifest]
    return {(manifest["apiVersion"].rpartition("/")[0], manifest["kind"]) for manifest in manifests}


def test_the_platforms_project_allows_every_kind_of_the_chart_and_no_more() -> None:
    rendered = kinds_of_the_chart({"serviceMonitor": {"enabled": True}})
    rendered |= kinds_of_the_chart({"watch": {"namespaces": ["papers"]}})
    project = PROJECTS["ocr-platform"]["spec"]
    allowed = project["clusterResourceWhitelist"] + project["namespaceResourceWhitelist"]
    own_namespace = {("", "Namespace")}
    assert {(entry["group"], entry["kind"]) for entry in allowed} == rendered | own_namespace


def test_the_services_are_ocrservices_that_the_operator_accepts() -> None:
    folder = ROOT / APPLICATIONS["ocr-services"]["spec"]["source"]["path"]
    found = [parse(load(path)) for path in folder.rglob("*.yaml")]
    assert [service.metadata.name for service in found] == ["invoices"]
