"""A release without a cluster: the real images and the chart, pushed to a real registry and fetched back."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from ocr_modelserver.models.catalogue import load_catalogue
from tests.cluster import buildah, images
from tests.cluster.gobuild import cache_folder, locked, say
from tests.cluster.helm import helm
from tests.cluster.oci import OciArchive
from tests.cluster.ociregistry import registry
from tests.cluster.wheels import download_wheels
from tests.release import push, sbom

VERSION = images.version()


@pytest.fixture(scope="module")
def built() -> Mapping[str, OciArchive]:
    """The images by program."""
    found = images.build_images()
    return {program: OciArchive(found[images.reference(program, VERSION)]) for program in images.PROGRAMS}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A registry of this run's own."""
    with registry(tmp_path_factory.mktemp("registry")) as address:
        yield address


def manifest(address: str, name: str) -> tuple[str, dict[str, Any]]:
    """The digest and content of what the registry has as `name` with this version's tag."""
    accept = {"accept": "application/vnd.oci.image.manifest.v1+json"}
    answer = httpx.get(f"http://{address}/v2/{name}/manifests/{VERSION}", headers=accept, trust_env=False)
    answer.raise_for_status()
    digest = f"sha256:{hashlib.sha256(answer.content).hexdigest()}"
    assert answer.headers["docker-content-digest"] == digest
    return digest, answer.json()


def test_a_push_is_in_the_registry_as_it_was_built_and_installs_from_there(
    built: Mapping[str, OciArchive], address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert push.main([f"{address}/team", VERSION, f"--folder={tmp_path}"]) == 0
    printed = capsys.readouterr().out
    for program, archive in built.items():
        digest, _ = manifest(address, f"team/ocr-{program}")
        assert digest == archive.digest
        assert f"{address}/team/ocr-{program}:{VERSION}@{digest}" in printed
    digest, content = manifest(address, "team/charts/ocr-operator")
    location = f"oci://{address}/team/charts/ocr-operator"
    assert f"{location.removeprefix('oci://')}:{VERSION}@{digest}" in printed
    chart = [str(helm()), "pull", location, f"--version={VERSION}", "--plain-http"]
    subprocess.run([*chart, f"--destination={tmp_path}"], check=True, capture_output=True)
    (package,) = tmp_path.glob("*.tgz")
    assert content["layers"][0]["digest"] == f"sha256:{hashlib.sha256(package.read_bytes()).hexdigest()}"
    command = printed.partition("helm install ")[2].replace("\\\n", "")
    operator = built["operator"].digest
    template = [str(helm()), "template", *command.replace("--create-namespace", "").split()]
    rendered = subprocess.run(template, check=True, capture_output=True, text=True).stdout
    assert f'image: "{address}/team/ocr-operator@{operator}"' in rendered


def test_the_same_sources_give_the_same_image(built: Mapping[str, OciArchive], tmp_path: Path) -> None:
    folder = cache_folder() / "images"
    again = tmp_path / "again.tar"
    with locked(folder / "lock"):
        store = buildah.Store(folder / "store", say)
        store.prepare()
        context = images.snapshot("operator", tmp_path / "context")
        wheels = download_wheels(folder, images.PROGRAMS, say)
        store.build(context, images.reference("operator", VERSION), wheels, again)
    assert OciArchive(again).digest == built["operator"].digest


@pytest.mark.parametrize("program", images.PROGRAMS)
def test_an_image_runs_as_nobody_in_particular_and_says_what_it_is(
    program: str, built: Mapping[str, OciArchive]
) -> None:
    config = built[program].config["config"]
    assert config["User"] == "10001:10001"
    assert config["Entrypoint"] == [f"ocr-{program}"]
    labels = {key.removeprefix("org.opencontainers.image."): value for key, value in config["Labels"].items()}
    assert (labels["title"], labels["version"], labels["licenses"]) == (
        f"ocr-{program}",
        VERSION,
        "Apache-2.0",
    )


@pytest.mark.parametrize("program", images.PROGRAMS)
def test_the_bill_of_an_image_lists_its_packages_and_models(
    program: str, built: Mapping[str, OciArchive], tmp_path: Path
) -> None:
    text = sbom.write(built[program], tmp_path).read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    bill = json.loads(text)
    assert bill["metadata"]["component"]["purl"].startswith(f"pkg:oci/ocr-{program}@sha256:")
    listed = {component["bom-ref"].partition("@")[0] for component in bill["components"]}
    carried = {"operator": "kopf", "gateway": "starlette", "modelserver": "onnxruntime"}[program]
    assert {"pkg:deb/debian/libc6", "pkg:pypi/kubeocr", f"pkg:pypi/{carried}"} <= listed
    models = [each for each in bill["components"] if each["type"] == "machine-learning-model"]
    found = {(each["hashes"][0]["content"], each["licenses"][0]["license"]["id"]) for each in models}
    entries = load_catalogue().models.values() if program == "modelserver" else ()
    assert found == {(file.sha256, entry.licence) for entry in entries for file in entry.files.values()}
