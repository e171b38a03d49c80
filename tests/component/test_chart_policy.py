"""The chart's limits for tenants on the real apiserver: what is refused in which words, and what is not."""

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from ocr_operator.cluster.kube import paths
from ocr_operator.cluster.local.store import merge
from ocr_operator.desired.plan import DEFAULT_REPLICAS
from ocr_operator.models.compute import Resources
from ocr_operator.models.manifest import DEPLOYMENT, OCR_SERVICE
from ocr_operator.models.quantity import amount
from ocr_operator.models.spec import Spec
from tests.cluster.controlplane import ControlPlane
from tests.cluster.fixtures import new_namespace
from tests.cluster.kubectl import CommandError, Kubectl
from tests.component.conftest import Start
from tests.component.policy_kit import (
    ASK,
    GATEWAY_CPU,
    GATEWAY_MEMORY,
    GATEWAYS,
    GATEWAYS_SCALED,
    INGRESS,
    LIMITS,
    OFFENDER,
    REFUSED,
    ROUTE,
    SAFE,
    SERVER_CPU,
    SERVER_MEMORY,
    SERVERS,
    TAKEN,
    TYPE,
    Body,
    expose,
    gateway,
    scaled,
    servers,
)
from tests.support.api import Api, eventually
from tests.support.faultproxy import FaultProxy
from tests.unit.chart_kit import Manifest, Values, rendered

KINDS = {"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"}


def policy(values: Values, namespace: str) -> list[Manifest]:
    """What the chart makes of the limits, for one namespace."""
    here = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}
    wanted = {"fullnameOverride": namespace, "policy": {"enabled": True, **here, **values}}
    return [manifest for manifest in rendered(wanted) if manifest["kind"] in KINDS]


@contextmanager
def limited(control_plane: ControlPlane, kube: Api, values: Values, over: Body) -> Iterator[None]:
    """The namespace has these limits, from when they refuse a spec that is over one of them."""
    items = policy(values, kube.namespace)
    manifests = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    control_plane.kubectl.run("apply", "--filename=-", stdin=manifests)
    try:
        eventually("the limits hold", lambda: tried(kube, over))
        yield
    finally:
        control_plane.kubectl.run("delete", "--filename=-", stdin=manifests)


def refusal(action: Callable[[], object]) -> str:
    """In which words it is forbidden; empty if it is not."""
    try:
        action()
    except httpx.HTTPStatusError as error:
        if error.response.status_code != httpx.codes.FORBIDDEN:
            raise
        return str(error.response.json()["message"]).partition(" denied request: ")[2]
    return ""


def tried(kube: Api, spec: Body) -> str:
    """In which words a new service with the spec is refused; it is not made."""
    body = {
        "apiVersion": OCR_SERVICE.api_version,
        "kind": OCR_SERVICE.kind,
        "metadata": {"name": "tried"},
        "spec": spec,
    }
    path = f"{paths.collection(OCR_SERVICE, kube.namespace)}?dryRun=All"
    return refusal(lambda: kube.send("POST", path, body))


def changed(kube: Api, spec: Body) -> str:
    """In which words a change of the service is refused; it is made if it is not."""
    return refusal(lambda: kube.patch(OCR_SERVICE, "invoices", {"spec": spec}))


@pytest.fixture(scope="module")
def tenant(operated: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A namespace with all limits."""
    with (
        new_namespace(operated.kubectl) as namespace,
        FaultProxy(operated.kubeconfig, tmp_path_factory.mktemp("tenant")) as proxy,
    ):
        kube = Api(proxy.url, namespace)
        with limited(operated, kube, LIMITS, {}):
            yield kube
        kube.close()


@pytest.fixture
def offender(operated: ControlPlane, kube: Api) -> Iterator[Api]:
    """A namespace that got its limits when there was a service already that is over all of them."""
    kube.create("invoices", OFFENDER)
    with limited(operated, kube, LIMITS, {}):
        yield kube


@pytest.mark.parametrize(("spec", "says"), REFUSED, ids=[json.dumps(spec)[:60] for spec, _ in REFUSED])
def test_what_is_over_a_limit_is_refused_by_field_limit_and_whom_to_ask(
    tenant: Api, spec: Body, says: str
) -> None:
    assert tried(tenant, merge(SAFE, spec)) == says + ASK


def test_an_ingress_without_tls_is_refused_where_tls_is_asked_for(operated: ControlPlane, kube: Api) -> None:
    secured = INGRESS | {"tlsSecretRef": {"name": "certificate"}}
    with limited(operated, kube, {"requireTLS": True}, {}):
        says = tried(kube, merge(SAFE, expose(ingress=INGRESS)))
        assert says == "spec.expose.ingress.tlsSecretRef must be set here"
        assert tried(kube, merge(SAFE, expose(ingress=secured))) == ""


@pytest.mark.parametrize("spec", TAKEN, ids=[json.dumps(spec)[:60] for spec in TAKEN])
def test_what_keeps_to_the_limits_is_taken(tenant: Api, spec: Body) -> None:
    assert tried(tenant, merge(SAFE, spec)) == ""


def amounts(part: str, resources: Resources, less: int) -> dict[str, Any]:
    """Limits that are as much as a default, or less by the least amount."""
    cpu, memory = resources.limits.cpu or resources.requests.cpu, resources.limits.memory
    assert cpu
    assert memory
    most = {"maxCPU": f"{amount(cpu) * 1000 - less:.0f}m", "maxMemory": f"{amount(memory) - less:.0f}"}
    return {part: {"maxReplicas": DEFAULT_REPLICAS - less, **most}}


def at_the_defaults(less: int) -> Values:
    """Limits that just allow what the code makes of an empty spec, or just do not."""
    default = Spec()
    return {
        **amounts("gateway", default.gateway.resources, less),
        **amounts("modelServer", default.model_server.resources, less),
        "serviceTypes": [default.expose.service.type] if not less else ["NodePort"],
        "requireAuth": default.gateway.auth.type != "None" or bool(less),
        "requireTLS": default.gateway.tls is not None or bool(less),
        "requireIsolation": default.network_policy.mode == "Isolated",
    }


def one_by_one(values: Values) -> Iterator[Values]:
    """Each limit alone."""
    for key, value in values.items():
        if isinstance(value, dict):
            yield from ({key: {inner: limit}} for inner, limit in value.items())
        elif key != "requireIsolation":
            yield {key: value}


def test_an_empty_spec_just_keeps_to_limits_that_are_what_it_means(operated: ControlPlane, kube: Api) -> None:
    with limited(operated, kube, at_the_defaults(0), gateway({"replicas": DEFAULT_REPLICAS + 1})):
        assert tried(kube, {}) == ""


@pytest.mark.parametrize("values", list(one_by_one(at_the_defaults(1))), ids=str)
def test_an_empty_spec_is_over_a_limit_that_is_less_than_what_it_means(
    operated: ControlPlane, kube: Api, values: Values
) -> None:
    with limited(operated, kube, values, {}):
        assert "spec." in tried(kube, {})


def test_what_was_over_a_limit_before_is_left_alone_and_can_only_come_nearer(offender: Api) -> None:
    def replicas(part: str, number: int) -> str:
        return changed(offender, {part: {"replicas": number}})

    assert tried(offender, OFFENDER) != ""
    metadata = {"annotations": {"example.com/ticket": "7"}, "labels": {"team": "documents"}}
    offender.patch(OCR_SERVICE, "invoices", {"metadata": metadata})
    assert changed(offender, {"observability": {"logLevel": "debug"}}) == ""
    assert SERVERS in replicas("modelServer", 21)
    assert replicas("modelServer", 15) == ""
    assert SERVERS in replicas("modelServer", 16)
    assert replicas("modelServer", 10) == ""
    assert SERVERS in replicas("modelServer", 11)
    # The number counts, whoever sets it.
    assert changed(offender, gateway({"replicas": None, **scaled(8)})) == ""
    assert GATEWAYS_SCALED in changed(offender, gateway(scaled(9)))
    assert changed(offender, gateway(scaled(6))) == ""
    assert GATEWAYS in changed(offender, gateway({"autoscaling": None, "replicas": 7}))


def test_resources_over_a_limit_can_only_come_nearer(offender: Api) -> None:
    def limits(part: str, **amounts: str | None) -> str:
        return changed(offender, {part: {"resources": {"limits": amounts}}})

    assert GATEWAY_CPU in limits("gateway", cpu="2001m")
    assert limits("gateway", cpu="1") == ""
    assert GATEWAY_CPU in limits("gateway", cpu="2")
    assert GATEWAY_MEMORY in limits("gateway", memory="8193Mi")
    assert GATEWAY_MEMORY in limits("gateway", memory=None)
    assert limits("gateway", memory="4Gi") == ""
    # From no limit at all, even a great one comes nearer; back is not.
    assert limits("modelServer", memory="64Gi") == ""
    assert SERVER_MEMORY in limits("modelServer", memory=None)
    assert SERVER_CPU in limits("modelServer", cpu="9")
    assert limits("modelServer", cpu="8") == ""


def test_what_is_not_a_number_stays_as_it_is_or_becomes_what_is_allowed(offender: Api) -> None:
    another = expose(ingress={"host": "another.example.com"})
    assert changed(offender, another) == "spec.expose.ingress is not allowed here" + ASK
    route = expose(ingress=None, gatewayAPI=ROUTE)
    assert changed(offender, route) == "spec.expose.gatewayAPI is not allowed here" + ASK
    assert changed(offender, merge(SAFE, expose(ingress=None, service={"type": "NodePort"}))) == ""
    assert changed(offender, expose(service={"type": "LoadBalancer"})) == TYPE + ASK
    assert "spec.gateway.tls must be set here" in changed(offender, gateway({"tls": None}))
    assert changed(offender, {"networkPolicy": None}) == ""
    assert "spec.networkPolicy.mode" in changed(offender, {"networkPolicy": {"mode": "Disabled"}})


def test_the_operator_looks_after_a_service_that_is_over_the_limits(offender: Api, start: Start) -> None:
    operator = start().ready()
    eventually("a status", lambda: offender.observed("invoices"))
    eventually("its pods", lambda: offender.get(DEPLOYMENT, "invoices-model-server"))
    assert changed(offender, {"modelServer": {"replicas": 18}}) == ""
    eventually("a newer status", lambda: offender.observed("invoices"))
    eventually("scaled", lambda: replicas_of(offender) == 18)
    assert operator.metric("ocr_operator_status_writes_total") > 1
    assert operator.metric("ocr_operator_k8s_requests_total", code="403") == 0
    offender.delete(OCR_SERVICE, "invoices")
    eventually("gone", lambda: offender.get(OCR_SERVICE, "invoices") is None)


def replicas_of(kube: Api) -> int:
    """How many model servers were asked for."""
    deployment = kube.get(DEPLOYMENT, "invoices-model-server")
    return int(deployment["spec"]["replicas"]) if deployment else 0


def test_kubectl_scale_is_held_to_the_limit_of_replicas(
    operated: ControlPlane, tenant: Api, request: pytest.FixtureRequest
) -> None:
    kubectl = Kubectl(operated.kubeconfig, tenant.namespace)

    def scale(number: int) -> None:
        kubectl.run("scale", "ocrservice/scaled", f"--replicas={number}")

    tenant.create("scaled", SAFE)
    request.addfinalizer(lambda: tenant.delete(OCR_SERVICE, "scaled"))
    with pytest.raises(CommandError, match=re.escape(SERVERS + ASK)):
        scale(11)
    for number in (10, 0, 3):
        scale(number)
    with pytest.raises(CommandError, match=re.escape(SERVERS + ASK)):
        scale(11)


def test_kubectl_scale_brings_nearer_what_is_over_the_limit(operated: ControlPlane, offender: Api) -> None:
    kubectl = Kubectl(operated.kubeconfig, offender.namespace)
    kubectl.run("scale", "ocrservice/invoices", "--replicas=15")
    with pytest.raises(CommandError, match=re.escape(SERVERS + ASK)):
        kubectl.run("scale", "ocrservice/invoices", "--replicas=16")


def test_other_namespaces_have_no_limits(operated: ControlPlane, tenant: Api, kube: Api) -> None:
    assert tried(tenant, OFFENDER) != ""
    assert tried(kube, OFFENDER) == ""


def test_a_warning_refuses_nothing(operated: ControlPlane, kube: Api) -> None:
    values = {"modelServer": {"maxReplicas": 3}, "validationActions": ["Warn", "Audit"]}
    kubectl = Kubectl(operated.kubeconfig, kube.namespace)
    kubectl.apply({"apiVersion": "v1", "kind": "List", "items": policy(values, kube.namespace)})
    try:
        body = kube.create("invoices", servers({"replicas": 4}))
        eventually("warned", lambda: "spec.modelServer.replicas may be at most 3" in warning(kubectl, body))
    finally:
        kubectl.run("delete", "validatingadmissionpolicy,validatingadmissionpolicybinding", kube.namespace)


def warning(kubectl: Kubectl, body: Manifest) -> str:
    """What kubectl says beside the answer when the object is made anew."""
    again = json.dumps(
        {name: body[name] for name in ("apiVersion", "kind", "spec")} | {"metadata": {"name": "again"}}
    )
    command = kubectl.command("create", "--dry-run=server", "--filename=-")
    return subprocess.run(command, input=again, capture_output=True, text=True, check=True).stderr


def test_the_apiserver_finds_no_fault_in_the_types(operated: ControlPlane, tenant: Api) -> None:
    def status() -> Any:
        found = operated.kubectl.json("get", "validatingadmissionpolicy", tenant.namespace)
        return found.get("status", {})

    eventually("looked at", lambda: "observedGeneration" in status())
    assert status().get("typeChecking", {}) == {}
