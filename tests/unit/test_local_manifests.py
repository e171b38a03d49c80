"""The user's file without a cluster."""

from __future__ import annotations

from pathlib import Path

import pytest

from ocr_operator.cluster.local.manifests import ManifestError, parse, read
from ocr_operator.models.service import Key

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.yaml"))
HEAD = "apiVersion: kubeocr.dev/v1alpha1\nkind: OCRService\n"
GOOD = HEAD + "metadata: {name: invoices}\n"


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_every_example_is_read(path: Path) -> None:
    assert read(path).services


def test_the_first_example_has_five_lines() -> None:
    path = next(path for path in EXAMPLES if path.name == "ocrservice.yaml")
    assert len(path.read_text().splitlines()) == 5


def test_documents_keep_their_order_and_get_the_default_namespace() -> None:
    text = f"{HEAD}metadata: {{name: b}}\n---\n---\n{HEAD}metadata: {{name: a, namespace: papers}}\n"
    assert list(parse(text, "f").services) == [Key("default", "b"), Key("papers", "a")]


def test_a_status_and_server_fields_in_the_file_are_left_out() -> None:
    text = HEAD + "metadata: {name: a, uid: u, labels: {x: y}}\nstatus: {replicas: 3}\n"
    (service,) = parse(text, "f").services.values()
    assert service["metadata"] == {"name": "a", "namespace": "default", "labels": {"x": "y"}}
    assert "status" not in service


PROFILE = "apiVersion: kubeocr.dev/v1alpha1\nkind: OCRProfile\nmetadata: {name: standard}\n"


def test_a_profile_is_read_as_strictly_as_a_service() -> None:
    found = parse(
        f"{PROFILE}spec: {{model: {{name: fast}}, rollout: {{strategy: Canary}}}}\n---\n{GOOD}", "f"
    )
    assert found.profiles[Key("default", "standard")]["spec"] == {"model": {"name": "fast"}}
    assert found.remarks == ("f: document 1: spec.rollout is ignored: it means nothing without a cluster",)
    for wrong, says in (
        ("suspend: true", r"spec.suspend: unknown field; "),
        ("modelserver: {}", r"spec.modelserver: unknown field; did you mean modelServer\?"),
        ("gateway: {replicas: many}", r"document 1 \(standard\): spec.gateway.replicas"),
    ):
        with pytest.raises(ManifestError, match=says):
            parse(f"{PROFILE}spec: {{{wrong}}}\n---\n{GOOD}", "f")
    with pytest.raises(ManifestError, match="OCRProfile default/standard is there twice"):
        parse(f"{PROFILE}---\n{PROFILE}---\n{GOOD}", "f")


def test_other_kinds_are_passed_over_with_a_remark() -> None:
    found = parse(f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c}}\n---\n{GOOD}", "f.yaml")
    assert found.remarks == (
        "f.yaml: document 1: ConfigMap is ignored: only OCRService, OCRProfile and Secret mean "
        "something without a cluster",
    )
    assert list(found.services) == [Key("default", "invoices")]


def test_what_only_clusters_have_is_left_out_with_a_remark() -> None:
    ways = "{ingress: {host: a.b}, service: {port: 81}}"
    pods = "imagePullSecrets: [{name: registry}], rollout: {strategy: Canary}"
    found = parse(GOOD + f"spec: {{expose: {ways}, {pods}}}\n", "f")
    (service,) = found.services.values()
    assert service["spec"] == {"expose": {"service": {"port": 81}}}
    assert found.remarks == (
        "f: document 1: spec.expose.ingress is ignored: it means nothing without a cluster",
        "f: document 1: spec.imagePullSecrets is ignored: it means nothing without a cluster",
        "f: document 1: spec.rollout is ignored: it means nothing without a cluster",
    )


def test_that_nothing_follows_the_load_is_remarked() -> None:
    found = parse(GOOD + "spec: {modelServer: {autoscaling: {maxReplicas: 3}}}\n", "f.yaml")
    (remark,) = found.remarks
    assert remark.startswith(
        "f.yaml: document 1: spec.modelServer.autoscaling: nothing measures the load here"
    )


WRONG = {
    "an empty file": ("", "no OCRService in it"),
    "only comments": ("# later\n", "no OCRService in it"),
    "a list": ("- a\n", "document 1: a mapping with apiVersion, kind and metadata is expected"),
    "no YAML": ("kind: [\n", "f:2:1: not valid YAML"),
    "a tab": (GOOD + "\tspec: {}\n", "f:4:1: not valid YAML"),
    "a key twice": (
        GOOD + "spec: {suspend: true, suspend: false}\n",
        "f:4:23: not valid YAML: suspend is there twice",
    ),
    "another version": (
        GOOD.replace("v1alpha1", "v2"),
        "apiVersion: 'kubeocr.dev/v2' is unknown; write apiVersion: kubeocr.dev/v1alpha1",
    ),
    "no version": ("kind: OCRService\nmetadata: {name: a}\n", "write apiVersion: kubeocr.dev/v1alpha1"),
    "another spelling of the kind": (
        GOOD.replace("OCRService", "OcrService"),
        "kind: 'OcrService' is unknown; write kind: OCRService",
    ),
    "no metadata": (HEAD, "metadata.name: missing"),
    "no name": (HEAD + "metadata: {labels: {}}\n", "metadata.name: missing"),
    "a long name": (HEAD + f"metadata: {{name: {'a' * 41}}}\n", "at most 40 characters"),
    "a name that is no string": (HEAD + "metadata: {name: 12}\n", "metadata.name"),
    "a name twice": (f"{GOOD}---\n{GOOD}", "document 2: OCRService default/invoices is there twice"),
    "an unknown field": (
        GOOD + "spec: {modelServer: {replica: 3}}\n",
        "spec.modelServer.replica: unknown field; did you mean replicas?",
    ),
    "an unknown field in a list": (
        GOOD + "spec: {modelServer: {env: [{name: A, vlue: b}]}}\n",
        "spec.modelServer.env[0].vlue: unknown field; did you mean value?",
    ),
    "an unknown field that is like none": (
        GOOD + "spec: {model: {weights: 3}}\n",
        "spec.model.weights: unknown field; known are name",
    ),
    "an unknown field beside spec": (GOOD + "specs: {}\n", "specs: unknown field; did you mean spec?"),
    "an unknown field of metadata": (
        HEAD + "metadata: {name: a, label: {}}\n",
        "metadata.label: unknown field; did you mean labels?",
    ),
    "a wrong value": (GOOD + "spec: {modelServer: {replicas: -1}}\n", "spec.modelServer.replicas: "),
    "two wrong values": (
        GOOD + "spec: {suspend: maybe, gateway: {replicas: 1000}}\n",
        "; spec.suspend: ",
    ),
    "a volume": (
        GOOD
        + 'spec: {model: {name: own, sha256: "'
        + "0" * 64
        + '", source: {persistentVolumeClaim: {claimName: models}}}}\n',
        "spec.model.source.persistentVolumeClaim: there are no claims without a cluster",
    ),
    "a server of models": (
        GOOD
        + 'spec: {model: {name: own, sha256: "'
        + "0" * 64
        + '", source: {http: {url: "https://models.example.com/"}}}}\n',
        "spec.model.source.http: nothing is fetched without a cluster; take source and sha256 out, or run",
    ),
    "a spec that is no mapping": (GOOD + "spec: [1]\n", "spec: "),
}


@pytest.mark.parametrize(("text", "said"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_file_is_refused_with_its_place_and_the_way_out(text: str, said: str) -> None:
    with pytest.raises(ManifestError) as caught:
        parse(text, "f")
    assert str(caught.value).startswith("f:")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="No such file"):
        read(tmp_path / "none.yaml")
    with pytest.raises(ManifestError, match="Is a directory"):
        read(tmp_path)
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ManifestError, match="not UTF-8"):
        read(tmp_path / "binary")
