"""Ways in by Ingress and Gateway API on the real apiserver; there is no controller, so the tests are it."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from ocr_operator.models.manifest import HTTP_ROUTE, INGRESS, NETWORK_POLICY, OCR_SERVICE, SECRET
from ocr_operator.models.operands import Operand
from tests.cluster.controlplane import ControlPlane
from tests.cluster.kubectl import Kubectl
from tests.cluster.upstreams import http_route_crd
from tests.component.conftest import Start
from tests.component.test_operator_reconcile import assert_nothing_to_write, is_idle
from tests.support.api import Api, eventually
from tests.support.process import Operator
from tests.unit.test_goldens import CASES, GOLDEN, VERSIONS

HOST = "ocr.example.com"
NAME = "invoices-gateway"
EDGE = {"parentRefs": [{"name": "edge", "namespace": "infra"}], "hostnames": [HOST]}
LET_IN = {"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}]}}}


@pytest.fixture
def routes(operated: ControlPlane) -> Iterator[None]:
    """The real kind of HTTPRoutes."""
    crd = http_route_crd().read_text()
    operated.kubectl.apply(crd, "--server-side")
    operated.kubectl.established("crd/httproutes.gateway.networking.k8s.io")
    yield
    operated.kubectl.run("delete", "--filename=-", stdin=crd)


def run(kube: Api) -> None:
    """Play the kubelet until the gateways' pods count as available."""
    eventually("all pods are made", lambda: len(kube.pods("invoices")) == 4)
    kube.run_pods()
    eventually("running", lambda: kube.condition("invoices", "Reconciling").get("status") == "False")


def said(kube: Api, kind: str = "Exposed") -> tuple[str | None, str | None]:
    """Status and reason of a condition."""
    condition = kube.condition("invoices", kind)
    return condition.get("status"), condition.get("reason")


def url(kube: Api) -> str | None:
    """The address in the status."""
    address = kube.status("invoices").get("address")
    return address["url"] if address else None


def accept(kube: Api) -> None:
    """Play a Gateway that takes the route as it is now."""
    route = kube.get(HTTP_ROUTE, NAME)
    assert route is not None
    condition: dict[str, Any] = {
        "status": "True",
        "reason": "Accepted",
        "message": "taken",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
        "observedGeneration": route["metadata"]["generation"],
    }
    parent = {
        "parentRef": EDGE["parentRefs"][0],
        "controllerName": "example.com/edge",
        "conditions": [{"type": kind, **condition} for kind in ("Accepted", "ResolvedRefs")],
    }
    kube.patch(HTTP_ROUTE, NAME, {"status": {"parents": [parent]}}, "/status")


def test_an_ingress_is_the_address_once_its_controller_and_its_certificate_are_there(
    operated: ControlPlane, kube: Api, start: Start
) -> None:
    operator = start().ready()
    kube.create("invoices", {"expose": {"ingress": {"host": HOST, "tlsSecretRef": {"name": "web"}}}})
    run(kube)
    # cert-manager would make the Secret out of this Ingress.
    assert kube.get(INGRESS, NAME) is not None
    eventually("the certificate is waited for", lambda: said(kube) == ("False", "CertificatePending"))
    kube.post(SECRET, {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "web"}})
    eventually("the controller is waited for", lambda: said(kube) == ("False", "AddressPending"))
    assert said(kube, "Ready") == ("False", "AddressPending")
    kube.patch(INGRESS, NAME, LET_IN, "/status")
    eventually("exposed", lambda: said(kube) == ("True", "AddressKnown"))
    assert url(kube) == f"https://{HOST}"
    eventually("Ready", lambda: said(kube, "Ready") == ("True", "Serving"))
    eventually("idle", lambda: is_idle(operator))
    assert operator.stop() == 0
    assert_nothing_to_write(operated, kube, start)


def test_a_route_comes_with_its_kind_and_is_the_address_once_a_gateway_takes_it(
    operated: ControlPlane, kube: Api, start: Start, request: pytest.FixtureRequest
) -> None:
    operator = start().ready()
    kube.create("invoices", {"expose": {"gatewayAPI": EDGE}})
    run(kube)
    eventually("the kind is missing", lambda: said(kube) == ("False", "HTTPRouteMissing"))
    assert said(kube, "DependenciesPresent") == ("False", "HTTPRouteMissing")
    request.getfixturevalue("routes")
    eventually("a route", lambda: kube.get(HTTP_ROUTE, NAME))
    eventually("a Gateway is waited for", lambda: said(kube) == ("False", "AddressPending"))
    assert said(kube, "DependenciesPresent") == ("True", "OptionalMissing")
    accept(kube)
    eventually("exposed", lambda: url(kube) == f"https://{HOST}")
    eventually("idle", lambda: is_idle(operator))
    assert operator.stop() == 0
    assert_nothing_to_write(operated, kube, start)


def test_an_edited_route_is_waited_for_anew(kube: Api, operator: Operator, routes: None) -> None:
    kube.create("invoices", {"expose": {"gatewayAPI": EDGE}})
    run(kube)
    eventually("a route", lambda: kube.get(HTTP_ROUTE, NAME))
    accept(kube)
    eventually("exposed", lambda: url(kube) == f"https://{HOST}")
    kube.patch(
        OCR_SERVICE, "invoices", {"spec": {"expose": {"gatewayAPI": {"hostnames": ["b.example.com"]}}}}
    )
    eventually("not yet", lambda: said(kube) == ("False", "AddressPending"))
    accept(kube)
    eventually("exposed again", lambda: url(kube) == "https://b.example.com")


def test_one_way_in_goes_when_the_other_comes(kube: Api, operator: Operator, routes: None) -> None:
    kube.create("invoices", {"expose": {"ingress": {"host": HOST}}})
    eventually("an Ingress", lambda: kube.get(INGRESS, NAME))
    kube.patch(OCR_SERVICE, "invoices", {"spec": {"expose": {"ingress": None, "gatewayAPI": EDGE}}})
    eventually("a route only", lambda: kube.get(HTTP_ROUTE, NAME) and kube.get(INGRESS, NAME) is None)
    kube.patch(OCR_SERVICE, "invoices", {"spec": {"expose": None}})
    eventually("none", lambda: kube.get(HTTP_ROUTE, NAME) is None)
    eventually("the Service is the way", lambda: url(kube) == f"http://{NAME}.{kube.namespace}.svc")


def test_policies_go_when_isolation_does_and_come_back_with_it(kube: Api, operator: Operator) -> None:
    kube.create("invoices")
    eventually("isolated", lambda: len(kube.items(NETWORK_POLICY)) == 2)
    kube.patch(OCR_SERVICE, "invoices", {"spec": {"networkPolicy": {"mode": "Disabled"}}})
    eventually("open", lambda: kube.items(NETWORK_POLICY) == [])
    kube.patch(OCR_SERVICE, "invoices", {"spec": {"networkPolicy": None}})
    eventually("isolated again", lambda: len(kube.items(NETWORK_POLICY)) == 2)


@pytest.mark.parametrize("operand", VERSIONS, ids=lambda operand: operand.version)
@pytest.mark.parametrize("case", CASES)
def test_the_apiserver_takes_the_golden_policies_and_ways_in_as_they_are(
    case: str, operand: Operand, operated: ControlPlane, namespace: str, routes: None
) -> None:
    kubectl = Kubectl(operated.kubeconfig, namespace)
    for manifest in yaml.safe_load_all((GOLDEN / case / f"{operand.version}.yaml").read_text()):
        if manifest["kind"] in {"NetworkPolicy", "Ingress", "HTTPRoute", "Service"}:
            del manifest["metadata"]["namespace"], manifest["metadata"]["ownerReferences"]
            kubectl.apply(manifest, "--server-side", "--validate=strict")
            stored = kubectl.json("get", manifest["kind"], manifest["metadata"]["name"])["spec"]
            again = {name: stored.get(name) for name in manifest["spec"]}
            if manifest["kind"] in {"NetworkPolicy", "Ingress"}:
                assert again == manifest["spec"]
