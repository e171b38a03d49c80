"""The pure parts of the operator's edges: errors, paths, event filters, settings, logs."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from ocr_operator.cluster.kube import paths
from ocr_operator.cluster.kube.errors import translate
from ocr_operator.cluster.port import ClusterError, ConflictError, ForbiddenError, GoneError, RejectedError
from ocr_operator.config import ConfigError, identity, lease_namespace, load_operands
from ocr_operator.models.manifest import DEPLOYMENT, OCR_SERVICE, SERVICE, Ref
from ocr_operator.models.names import SERVICE_LABEL, STATUS_MANAGER
from ocr_operator.models.service import Key
from ocr_operator.runtime.logs import JsonFormatter
from ocr_operator.watches import is_echo, owner

BY_RBAC = 'deployments.apps is forbidden: User "u" cannot patch resource "deployments" in API group "apps"'
BLOCK_OWNER = "services is forbidden: cannot set blockOwnerDeletion if an ownerReference refers to ..."
TERMINATING = "forbidden: unable to create new content in namespace a because it is being terminated"


@pytest.mark.parametrize(
    ("code", "message", "error"),
    [
        (400, "bad", RejectedError),
        (401, "Unauthorized", ClusterError),
        (403, BY_RBAC, ForbiddenError),
        (403, BLOCK_OWNER, ForbiddenError),
        (403, "exceeded quota: small", RejectedError),
        (403, 'violates PodSecurity "restricted:latest"', RejectedError),
        (403, 'admission webhook "x" denied the request', RejectedError),
        (403, TERMINATING, GoneError),
        (404, "not found", GoneError),
        (409, "the object has been modified", ConflictError),
        (410, "the continue token is too old", GoneError),
        (413, "too large", RejectedError),
        (422, "is invalid", RejectedError),
        (429, "slow down", ClusterError),
        (500, "etcdserver: leader changed", ClusterError),
        (502, "bad gateway", ClusterError),
        (503, "apiserver is shutting down", ClusterError),
        (504, "timeout", ClusterError),
    ],
)
def test_a_status_is_the_error_that_says_what_to_do(
    code: int, message: str, error: type[ClusterError]
) -> None:
    result = translate(code, {"message": message}, None, "", "PATCH /x")
    assert type(result) is error
    assert str(result) == f"PATCH /x: {code} {message}"


@pytest.mark.parametrize(
    ("header", "body", "seconds"),
    [
        ("7", {}, 7.0),
        (None, {"details": {"retryAfterSeconds": 3}}, 3.0),
        ("7", {"details": {"retryAfterSeconds": 3}}, 7.0),
        (None, {}, None),
        ("Fri, 31 Dec 2027 23:59:59 GMT", {}, None),
        (None, {"details": "none"}, None),
        ("-5", {}, 0.0),
        ("999999999", {}, 300.0),
        ("nan", {}, None),
    ],
)
def test_retry_after_is_read_and_bounded(
    header: str | None, body: dict[str, Any], seconds: float | None
) -> None:
    assert translate(429, body, header, "", "GET /x").retry_after == seconds


def test_an_answer_that_is_no_status_object_is_quoted_in_short() -> None:
    error = translate(502, {}, None, "<html>" + "x" * 10_000, "GET /x")
    assert str(error).startswith("GET /x: 502 <html>")
    assert len(str(error)) < 400


def test_paths_have_the_form_of_the_api() -> None:
    assert paths.group_version(SERVICE) == "/api/v1"
    assert paths.collection(DEPLOYMENT, None) == "/apis/apps/v1/deployments"
    assert paths.item(Ref(OCR_SERVICE, "a", "b")) == "/apis/kubeocr.dev/v1alpha1/namespaces/a/ocrservices/b"
    assert paths.item(Ref(SERVICE, "a", "../x")) == "/api/v1/namespaces/a/services/..%2Fx"


def child(owners: list[dict[str, Any]] | None = None, labels: dict[str, str] | None = None) -> dict[str, Any]:
    return {"metadata": {"namespace": "shop", "name": "x", "ownerReferences": owners, "labels": labels}}


def reference(**changes: Any) -> dict[str, Any]:
    ours = {
        "apiVersion": "kubeocr.dev/v1alpha1",
        "kind": "OCRService",
        "name": "invoices",
        "controller": True,
    }
    return ours | changes


@pytest.mark.parametrize(
    ("body", "key"),
    [
        (child([reference()]), Key("shop", "invoices")),
        (child([reference(apiVersion="kubeocr.dev/v1")]), Key("shop", "invoices")),
        (child([reference()], {SERVICE_LABEL: "edited"}), Key("shop", "invoices")),
        (child(None, {SERVICE_LABEL: "invoices"}), Key("shop", "invoices")),
        (child([reference(controller=False)]), None),
        (child([reference(kind="Deployment")]), None),
        (child([reference(apiVersion="example.com/v1")]), None),
        (child(), None),
    ],
)
def test_a_childs_owner_is_found_by_reference_then_by_label(body: dict[str, Any], key: Key | None) -> None:
    assert owner(body) == key


def service(
    observed: int | None, generation: int = 3, *managers: str, deleted: str | None = None
) -> dict[str, Any]:
    entries = [{"manager": each, "subresource": "status"} for each in managers]
    metadata = {"generation": generation, "managedFields": [{"manager": "kubectl"}, *entries]}
    if deleted:
        metadata["deletionTimestamp"] = deleted
    return {"metadata": metadata, "status": {"observedGeneration": observed}}


@pytest.mark.parametrize(
    ("body", "echo"),
    [
        (service(3, 3, STATUS_MANAGER), True),
        (service(2, 3, STATUS_MANAGER), False),
        (service(None, 3), False),
        (service(3, 3, STATUS_MANAGER, "kubectl-edit"), False),
        (service(3, 3, STATUS_MANAGER, deleted="2026-01-01T00:00:00Z"), False),
        ({"metadata": {"generation": 1}}, False),
    ],
)
def test_only_our_own_status_write_is_an_echo(body: dict[str, Any], echo: bool) -> None:
    assert is_echo(body) is echo


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("default: [", "no YAML"),
        ("", "Input should be"),
        ("default: '1.0.0'\nversions: []\n", "versions"),
        ("\xff\xfe", "can't be read"),
    ],
)
def test_operands_that_are_wrong_name_the_file_and_the_field(
    tmp_path: Path, content: str, named: str
) -> None:
    path = tmp_path / "operands.yaml"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(ConfigError) as error:
        load_operands(path)
    assert named in str(error.value)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_pod_names_the_process_and_its_namespace() -> None:
    environment = {"POD_NAME": "ocr-operator-7", "POD_NAMESPACE": "ocr"}
    assert (identity(environment), lease_namespace(environment)) == ("ocr-operator-7", "ocr")
    assert identity({}) != ""
    assert lease_namespace({}) == "default"


def test_a_log_record_is_one_json_object_with_its_service_and_stack() -> None:
    error = ValueError("two\nlines")
    caught = (ValueError, error, None)
    record = logging.LogRecord("ocr_operator.x", logging.ERROR, "f", 1, "said %s", ("it",), caught)
    record.service = "shop/invoices"
    line = JsonFormatter().format(record)
    assert "\n" not in line
    entry = json.loads(line)
    assert (entry["severity"], entry["message"], entry["service"]) == ("error", "said it", "shop/invoices")
    assert "two\nlines" in entry["exception"]
