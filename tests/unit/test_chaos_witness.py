"""What `make chaos` takes for a wrong."""

import json

import pytest

from tests.chaos.witness import Witness
from tests.support.faultproxy import Call

PATH = "/apis/apps/v1/namespaces/papers/deployments/invoices-gateway"


@pytest.fixture
def witness() -> Witness:
    """Users want three gateways."""
    return Witness(least={"invoices-gateway": 3})


def write(witness: Witness, replicas: int, owner: str = "now") -> None:
    """An operator's write of the Deployment, as the apiserver answers it."""
    metadata = {"name": "invoices-gateway", "ownerReferences": [{"uid": owner}]}
    body = json.dumps({"metadata": metadata, "spec": {"replicas": replicas}})
    witness.hear(Call("PATCH", PATH, {}, "ocr-operator"), 200, body.encode())


def test_fewer_pods_than_users_asked_for_are_a_wrong(witness: Witness) -> None:
    write(witness, 3)
    assert witness.wrongs == []
    write(witness, 2)
    assert witness.wrongs == ["Deployment invoices-gateway was given 2 pods, but 3 were asked for"]


def test_what_is_still_made_for_a_deleted_service_is_none(witness: Witness) -> None:
    witness.gone.add("before")
    write(witness, 2, owner="before")
    assert witness.wrongs == []


def test_an_operator_that_writes_an_ocrservice_is_wrong_and_its_status_is_not_meant(witness: Witness) -> None:
    path = "/apis/kubeocr.dev/v1alpha1/namespaces/papers/ocrservices/invoices"
    witness.hear(Call("PATCH", f"{path}/status", {}, "ocr-operator"), 200, b"{}")
    witness.hear(Call("PATCH", path, {}, "kubectl"), 200, b"{}")
    assert witness.wrongs == []
    witness.hear(Call("PATCH", path, {}, "ocr-operator"), 200, b"{}")
    assert witness.wrongs == [f"PATCH {path}: the OCRService is its user's"]
