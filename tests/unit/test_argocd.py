"""What Argo CD syncs, against the schemas of its own Go module; its Lua, by a Lua of its version."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from lupa.lua51 import LuaRuntime

from ocr_operator.models.service import parse
from tests.cluster.helm import helm
from tests.cluster.upstreams import argo_cd
from tests.support.schemas import closed

ROOT = Path(__file__).parents[2]
ARGOCD = ROOT / "argocd"
REPOSITORY = "https://git.example.com/platform/kubeocr.git"
CUSTOMIZATIONS = ARGOCD / "config" / "resource_customizations"
WAVE = "argocd.argoproj.io/sync-wave"
FINALIZER = "resources-finalizer.argocd.argoproj.io"

Manifest = dict[str, Any]


def template(name: str, chart: Path, values: Manifest, *args: str) -> list[Manifest]:
    """What helm makes of a chart."""
    command = [str(helm()), "template", name, str(chart), "--values=-", *args]
    result = subprocess.run(command, input=json.dumps(values), capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return [manifest for manifest in yaml.safe_load_all(result.stdout) if manifest]


def load(path: Path) -> list[Manifest]:
    return list(yaml.safe_load_all(path.read_text()))


def of_service(application_set: Manifest) -> Manifest:
    """The Application that an ApplicationSet makes of one folder."""
    text = json.dumps(application_set["spec"]["template"])
    [directory] = application_set["spec"]["generators"][0]["git"]["directories"]
    folder = directory["path"].removesuffix("*") + "invoices"
    text = text.replace("{{ .path.path }}", folder).replace("{{ .path.basenameNormalized }}", "invoices")
    application: Manifest = json.loads(text)
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", **application}


ROOT_MANIFESTS = load(ARGOCD / "root.yaml")
APPS = template("ocr-root", ARGOCD / "apps", {"repository": REPOSITORY, "revision": "main"})
MANIFESTS = {(m["kind"], m["metadata"]["name"]): m for m in [*ROOT_MANIFESTS, *APPS]}
ARGO_MANIFESTS = {"/".join(key): m for key, m in MANIFESTS.items() if key[0] != "Namespace"}
PROJECTS = {name: m for (kind, name), m in MANIFESTS.items() if kind == "AppProject"}
APPLICATIONS = {name: m for (kind, name), m in MANIFESTS.items() if kind == "Application"} | {
    f"{name}-invoices": of_service(m) for (kind, name), m in MANIFESTS.items() if kind == "ApplicationSet"
}


@pytest.fixture(scope="module")
def schemas() -> dict[str, Manifest]:
    """Argo CD's schemas by kind, closed: the API drops a field that it does not know."""
    crds = [yaml.safe_load(path.read_text()) for path in (argo_cd() / "crds").glob("*-crd.yaml")]
    return {crd["spec"]["names"]["kind"]: closed(crd["spec"]["versions"][0]["schema"]) for crd in crds}


@pytest.mark.parametrize("manifest", ARGO_MANIFESTS.values(), ids=ARGO_MANIFESTS.keys())
def test_argo_cd_knows_every_field(manifest: Manifest, schemas: dict[str, Manifest]) -> None:
    schema = schemas[manifest["kind"]]["openAPIV3Schema"]
    jsonschema.validate(manifest | {"metadata": {}}, schema)


def test_the_schemas_refuse_a_field_that_argo_cd_does_not_know(schemas: dict[str, Manifest]) -> None:
    application = APPLICATIONS["ocr-operator"] | {"metadata": {}}
    application["spec"] = {**application["spec"], "syncPolicies": {}}
    with pytest.raises(jsonschema.ValidationError, match="syncPolicies"):
        jsonschema.validate(application, schemas["Application"]["openAPIV3Schema"])


@pytest.mark.parametrize("project", PROJECTS.values(), ids=PROJECTS.keys())
def test_no_project_has_a_wildcard(project: Manifest) -> None:
    assert "*" not in json.dumps(project)


def test_only_the_roots_project_reaches_argo_cds_own_namespace() -> None:
    def reaches(project: Manifest) -> bool:
        return "argocd" in {place["namespace"] for place in project["spec"]["destinations"]}

    assert [name for name, project in PROJECTS.items() if reaches(project)] == ["ocr-root"]


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_a_team_may_only_make_ocrservices_in_one_namespace(environment: str) -> None:
    spec = PROJECTS[f"ocr-{environment}"]["spec"]
    assert [place["namespace"] for place in spec["destinations"]] == [f"ocr-{environment}"]
    assert spec["clusterResourceWhitelist"] == []
    assert spec["namespaceResourceWhitelist"] == [{"group": "kubeocr.dev", "kind": "OCRService"}]


def kinds(application: Manifest) -> Iterator[tuple[str, str]]:
    """Group and kind of what an Application syncs, with every value that makes the chart render more."""
    source = application["spec"]["source"]
    folder = ROOT / source["path"]
    if not (folder / "Chart.yaml").exists():
        manifests = [m for path in folder.glob("*.yaml") for m in load(path)]
    elif application["metadata"]["name"] == "ocr-root":
        manifests = APPS
    else:
        own = source["helm"]["valuesObject"]
        files = [f"--values={folder / file}" for file in source["helm"]["valueFiles"]]
        sets = [yaml.safe_load(path.read_text()) or {} for path in folder.glob("ci/*-values.yaml")]
        manifests = [
            manifest
            for values in sets
            for manifest in template("ocr-operator", folder, values | own, *files, "--skip-tests")
        ]
    for manifest in manifests:
        group, _, _ = manifest["apiVersion"].rpartition("/")
        yield group, manifest["kind"]


@pytest.mark.parametrize("application", APPLICATIONS.values(), ids=APPLICATIONS.keys())
def test_an_application_stays_within_its_project(application: Manifest) -> None:
    spec = application["spec"]
    project = PROJECTS[spec["project"]]["spec"]
    assert spec["source"]["repoURL"] in project["sourceRepos"]
    assert spec["destination"] in project["destinations"]
    assert set(kinds(application)) <= allowed(project)


def allowed(project: Manifest) -> set[tuple[str, str]]:
    """Group and kind of what a project allows."""
    entries = project["clusterResourceWhitelist"] + project["namespaceResourceWhitelist"]
    return {(entry["group"], entry["kind"]) for entry in entries}


def test_the_platforms_project_allows_no_more_than_crd_and_chart_need() -> None:
    needed = {kind for name in ("ocr-crds", "ocr-operator") for kind in kinds(APPLICATIONS[name])}
    assert allowed(PROJECTS["ocr-platform"]["spec"]) == needed


@pytest.mark.parametrize("application", APPLICATIONS.values(), ids=APPLICATIONS.keys())
def test_an_application_is_applied_by_the_server_and_never_replaces(application: Manifest) -> None:
    assert "Replace=true" not in json.dumps(application)
    assert "ServerSideApply=true" in application["spec"]["syncPolicy"]["syncOptions"]
    compare = application["metadata"]["annotations"]["argocd.argoproj.io/compare-options"]
    assert compare == "ServerSideDiff=true"


def test_the_waves_go_from_projects_over_crd_and_operator_to_services() -> None:
    waves: dict[int, set[str]] = {}
    for manifest in APPS:
        wave = int(manifest["metadata"]["annotations"][WAVE])
        waves.setdefault(wave, set()).add(f"{manifest['kind']}/{manifest['metadata']['name']}")
    operator = [{"Application/ocr-crds"}, {"Application/ocr-operator"}]
    assert [waves[wave] for wave in sorted(waves)][1:3] == operator
    assert {name.split("/")[0] for name in waves[min(waves)]} == {"AppProject", "Namespace"}
    assert {name.split("/")[0] for name in waves[max(waves)]} == {"ApplicationSet"}


def test_what_a_mistake_could_not_bring_back_is_neither_pruned_nor_deleted() -> None:
    crds = APPLICATIONS["ocr-crds"]
    assert crds["spec"]["syncPolicy"]["automated"]["prune"] is False
    assert "finalizers" not in crds["metadata"]
    assert "finalizers" not in MANIFESTS["Application", "ocr-root"]["metadata"]
    for (kind, _), manifest in MANIFESTS.items():
        if kind == "Namespace":
            options = manifest["metadata"]["annotations"]["argocd.argoproj.io/sync-options"]
            assert options == "Prune=false,Delete=false"


@pytest.mark.parametrize("name", ["ocr-operator", "ocr-staging-invoices", "ocr-production-invoices"])
def test_what_an_application_brought_goes_with_it(name: str) -> None:
    assert APPLICATIONS[name]["metadata"]["finalizers"] == [FINALIZER]


def test_the_repositorys_and_the_registrys_address_each_stand_in_one_file() -> None:
    def holding(text: str) -> list[str]:
        files = [path for path in ARGOCD.rglob("*") if path.suffix in {".yaml", ".tpl"}]
        return [str(path.relative_to(ARGOCD)) for path in files if text in path.read_text()]

    assert holding("git.example.com") == ["root.yaml"]
    assert holding("registry.example.com") == ["operator-values.yaml"]


def test_the_services_are_ocrservices_that_the_operator_accepts() -> None:
    found = [parse(load(path)[0]) for path in (ARGOCD / "services").rglob("*.yaml")]
    assert [service.metadata.name for service in found] == ["invoices", "invoices"]


def health(folder: Path, resource: Manifest) -> tuple[str, str]:
    """Status and message by the folder's Lua, which sees `obj` and, as in Argo CD, no library with I/O."""
    lua = LuaRuntime(register_eval=False, register_builtins=False)
    for name in ("io", "package", "debug"):
        lua.globals()[name] = None
    lua.globals()["obj"] = lua.table_from(resource, recursive=True)
    result = lua.execute((folder / "health.lua").read_text())
    return result["status"], result["message"]


CASES = [
    (path.parent, case)
    for path in sorted(CUSTOMIZATIONS.glob("*/*/health_test.yaml"))
    for case in yaml.safe_load(path.read_text())["tests"]
]


@pytest.mark.parametrize(
    ("folder", "case"), CASES, ids=[f"{folder.name}/{Path(case['inputPath']).stem}" for folder, case in CASES]
)
def test_argo_cd_tells_the_health(folder: Path, case: Manifest) -> None:
    [resource] = load(folder / case["inputPath"])
    wanted = case["healthStatus"]
    assert health(folder, resource) == (wanted["status"], wanted["message"])


def test_no_sample_is_without_a_case() -> None:
    samples = set(CUSTOMIZATIONS.rglob("testdata/*.yaml"))
    assert samples == {folder / case["inputPath"] for folder, case in CASES}


def test_the_config_map_holds_the_lua_as_it_is() -> None:
    [config] = load(ARGOCD / "config" / "argocd-cm.yaml")
    scripts = {
        f"resource.customizations.health.{path.parts[-3]}_{path.parts[-2]}": path.read_text()
        for path in CUSTOMIZATIONS.rglob("health.lua")
    }
    tracking = {"application.resourceTrackingMethod": "annotation"}
    assert config["data"] == scripts | tracking, "run `make generate`"


def test_every_subscription_has_a_trigger_its_templates_and_a_receiver() -> None:
    [config] = load(ARGOCD / "config" / "argocd-notifications-cm.yaml")
    subscriptions = [
        key.removeprefix("notifications.argoproj.io/subscribe.").split(".")
        for project in PROJECTS.values()
        for key in project["metadata"].get("annotations", {})
        if key.startswith("notifications.argoproj.io/")
    ]
    assert subscriptions
    for trigger, receiver in subscriptions:
        [condition] = yaml.safe_load(config["data"][f"trigger.{trigger}"])
        assert f"service.webhook.{receiver}" in config["data"]
        for name in condition["send"]:
            assert yaml.safe_load(config["data"][f"template.{name}"])["webhook"].keys() == {receiver}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A Git repository with what Argo CD syncs, in its first commit."""
    for folder in ("argocd", "charts", "crds"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    commit(tmp_path)
    return tmp_path


def git(folder: Path, *args: str) -> None:
    identity = ("-c", "user.name=test", "-c", "user.email=test@example.com")
    subprocess.run(["git", *identity, *args], cwd=folder, check=True)


def commit(folder: Path) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=change")


def diff(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    path = f"{helm().parent}:{os.environ['PATH']}"
    command = [str(folder / "argocd" / "diff.sh"), *args]
    return subprocess.run(
        command, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )


def test_the_diff_of_a_change_shows_what_reaches_the_cluster(checkout: Path) -> None:
    (checkout / "argocd" / "operator-values.yaml").write_text("registry: new.example.com\n")
    (checkout / "argocd/services/staging/invoices/ocrservice.yaml").unlink()
    commit(checkout)
    result = diff(checkout, "HEAD~1")
    assert result.returncode == 1
    assert '+        image: "new.example.com/ocr-operator:' in result.stdout
    assert "-kind: OCRService" in result.stdout


def test_the_diff_of_nothing_is_empty(checkout: Path) -> None:
    result = diff(checkout, "main", "HEAD")
    assert (result.returncode, result.stdout) == (0, "")


def test_a_commit_that_cannot_be_rendered_is_named(checkout: Path) -> None:
    (checkout / "argocd" / "operator-values.yaml").write_text("colour: blue\n")
    commit(checkout)
    result = diff(checkout, "HEAD~1")
    assert result.returncode == 2
    assert "error: HEAD cannot be rendered" in result.stderr
    assert diff(checkout).returncode == 2


def test_bootstrap_refuses_the_examples_address(checkout: Path) -> None:
    command = [str(checkout / "argocd" / "bootstrap.sh")]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert "argocd/root.yaml: put your repository's address" in result.stderr
