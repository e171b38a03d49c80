"""Who may reach whom under the policies that the operator builds, by the rules of NetworkPolicy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_operator.desired.build import build
from ocr_operator.models.names import COMPONENT_LABEL, COMPONENTS, GATEWAY, MODEL_SERVER, MODEL_SERVER_B
from tests.support.policies import Network, Pod, matches
from tests.unit.samples import plan

PORT = 8080
REDIS = {"store": "Redis", "redis": {"secretKeyRef": {"name": "redis", "key": "url"}}}


def network(spec: Mapping[str, Any] | None = None) -> Network:
    """The cluster of a service with this spec."""
    return Network(tuple(m for m in build(plan(spec)) if m["kind"] == "NetworkPolicy"))


def own(component: str, ip: str = "10.1.0.1") -> Pod:
    """A pod of the service, with the labels of its template."""
    template = next(
        m["spec"]["template"]
        for m in build(plan())
        if m["kind"] == "Deployment" and m["metadata"]["name"] == f"invoices-{component}"
    )
    return Pod(ip, "papers", template["metadata"]["labels"])


GATEWAYS, SERVERS = own(GATEWAY), own(MODEL_SERVER, "10.1.0.2")
PROMETHEUS = Pod("10.1.9.9", "monitoring", {"app.kubernetes.io/name": "prometheus"})
NEIGHBOUR = Pod("10.1.0.9", "papers", {"app": "shop"})
OUTSIDE = Pod("203.0.113.7")
COREDNS = Pod("10.1.0.53", "kube-system", {"k8s-app": "kube-dns"})
COLLECTOR = Pod("10.1.3.1", "observability", {"app": "collector"})

labels = st.dictionaries(
    st.sampled_from(["app", "team", "app.kubernetes.io/name"]),
    st.sampled_from(["a", "prometheus"]),
    max_size=2,
)
addresses = st.sampled_from(["10.1.0.9", "10.2.0.9", "203.0.113.7", "fd00::9"])
blocks = st.sampled_from(
    [{"cidr": "10.0.0.0/8"}, {"cidr": "10.0.0.0/8", "except": ["10.2.0.0/16"]}, {"cidr": "fd00::/8"}]
)
selectors = labels.map(lambda chosen: {"matchLabels": chosen})
peers = st.lists(
    st.one_of(
        st.fixed_dictionaries({"namespaceSelector": selectors}, optional={"podSelector": selectors}),
        st.fixed_dictionaries({"podSelector": selectors}),
        st.fixed_dictionaries({"ipBlock": blocks}),
    ),
    max_size=2,
)
egress = st.fixed_dictionaries({"to": peers, "ports": st.just([{"port": 443}])})
jobs = st.sampled_from([{}, {"gateway": {"jobs": REDIS}}])
specs = st.builds(
    lambda policy, more: {"networkPolicy": policy, **more},
    st.fixed_dictionaries(
        {},
        optional={"ingressFrom": peers, "metricsFrom": peers, "extraEgress": st.lists(egress, max_size=2)},
    ),
    jobs,
)
strangers = st.one_of(
    st.builds(Pod, addresses),
    st.builds(Pod, addresses, st.sampled_from(["papers", "monitoring"]), labels, labels),
)


@given(specs, strangers)
def test_a_stranger_reaches_a_model_server_only_if_it_may_have_its_metrics(
    spec: dict[str, Any], stranger: Pod
) -> None:
    metrics = plan(spec).service.spec.network_policy.metrics_from
    named = any(matches(peer.dump(), "papers", stranger) for peer in metrics)
    assert network(spec).connects(stranger, SERVERS, PORT) == named


@given(specs, strangers)
def test_a_stranger_reaches_a_gateway_if_nobody_is_named_or_it_is(
    spec: dict[str, Any], stranger: Pod
) -> None:
    policy = plan(spec).service.spec.network_policy
    named = (*policy.ingress_from, *policy.metrics_from)
    welcome = not policy.ingress_from or any(matches(peer.dump(), "papers", stranger) for peer in named)
    assert network(spec).connects(stranger, GATEWAYS, PORT) == welcome


@given(specs)
def test_gateways_always_reach_model_servers_and_both_the_clusters_dns(spec: dict[str, Any]) -> None:
    cluster = network(spec)
    assert cluster.connects(GATEWAYS, SERVERS, PORT)
    for pod in (GATEWAYS, SERVERS):
        for protocol in ("TCP", "UDP"):
            # By its own port behind the Service's 53, and on a node's cache.
            assert cluster.connects(pod, COREDNS, 1053, protocol)
            assert cluster.connects(pod, Pod("169.254.20.10"), 53, protocol)


@given(specs, st.integers(1, 65_535).filter(lambda port: port != PORT))
def test_no_other_port_of_a_pod_is_open_to_anybody(spec: dict[str, Any], port: int) -> None:
    cluster = network(spec)
    for caller in (PROMETHEUS, NEIGHBOUR, OUTSIDE, GATEWAYS):
        assert not cluster.connects(caller, SERVERS, port)
        assert not cluster.connects(caller, GATEWAYS, port)


@given(specs)
def test_a_model_server_calls_neither_its_gateway_nor_another_model_server(spec: dict[str, Any]) -> None:
    cluster = network({**spec, "networkPolicy": {**spec["networkPolicy"], "extraEgress": []}})
    assert not cluster.connects(SERVERS, GATEWAYS, PORT)
    assert not cluster.connects(SERVERS, own(MODEL_SERVER, "10.1.0.3"), PORT)


def test_by_default_clients_come_from_everywhere_and_only_prometheus_sees_a_model_server() -> None:
    cluster = network()
    for client in (NEIGHBOUR, PROMETHEUS, OUTSIDE):
        assert cluster.connects(client, GATEWAYS, PORT)
    assert cluster.connects(PROMETHEUS, SERVERS, PORT)
    assert not cluster.connects(NEIGHBOUR, SERVERS, PORT)
    assert not cluster.connects(OUTSIDE, SERVERS, PORT)


def test_a_gateway_of_another_service_or_namespace_reaches_no_model_server() -> None:
    other = {**GATEWAYS.labels, "kubeocr.dev/service": "contracts"}
    assert not network().connects(Pod("10.1.0.4", "papers", other), SERVERS, PORT)
    assert not network().connects(Pod("10.1.0.5", "elsewhere", GATEWAYS.labels), SERVERS, PORT)


@pytest.mark.parametrize("component", COMPONENTS)
def test_by_default_a_pod_calls_nothing_outside(component: str) -> None:
    for port in (80, 443, 6379, 4318, 6443):
        assert not network().connects(own(component), OUTSIDE, port)


def test_prometheus_stays_welcome_where_clients_are_named() -> None:
    cluster = network({"networkPolicy": {"ingressFrom": [{"podSelector": {"matchLabels": {"app": "shop"}}}]}})
    assert cluster.connects(NEIGHBOUR, GATEWAYS, PORT)
    assert cluster.connects(PROMETHEUS, GATEWAYS, PORT)
    assert not cluster.connects(OUTSIDE, GATEWAYS, PORT)


def test_nobody_may_be_named_for_metrics() -> None:
    assert not network({"networkPolicy": {"metricsFrom": []}}).connects(PROMETHEUS, SERVERS, PORT)


@pytest.mark.parametrize(
    ("endpoint", "port"),
    [
        ("http://collector.observability:4318", 4318),
        ("https://[fd00::1]:4318/otlp", 4318),
        ("https://[fd00::1]/", 443),
        ("http://collector.observability/v1:80/traces", 80),
        ("https://collector.example.com", 443),
    ],
)
def test_spans_get_to_their_collector(endpoint: str, port: int) -> None:
    cluster = network({"observability": {"tracing": {"endpoint": endpoint}}})
    for pod in (GATEWAYS, SERVERS):
        assert cluster.connects(pod, COLLECTOR, port)
        assert not cluster.connects(pod, COLLECTOR, port + 1)


def test_only_model_servers_get_to_the_server_of_their_model_and_only_by_its_port() -> None:
    for url, port in (("https://models.example.com:8443/m/", 8443), ("https://[fd00::1]/m/", 443)):
        model = {"name": "own", "source": {"http": {"url": url}}, "sha256": "0" * 64}
        cluster = network({"model": model})
        assert cluster.connects(SERVERS, OUTSIDE, port)
        assert not cluster.connects(SERVERS, OUTSIDE, port + 1)
        assert not cluster.connects(GATEWAYS, OUTSIDE, port)
    claim = {"persistentVolumeClaim": {"claimName": "models"}}
    assert not network({"model": {**model, "source": claim}}).connects(SERVERS, OUTSIDE, 443)


def test_only_gateways_get_to_redis_wherever_it_is_or_where_the_spec_says() -> None:
    anywhere = network({"gateway": {"jobs": REDIS}})
    there = {"egressTo": [{"ipBlock": {"cidr": "192.0.2.0/24"}}]}
    somewhere = network({"gateway": {"jobs": {**REDIS, "redis": {**REDIS["redis"], **there}}}})
    for redis, port in ((Pod("192.0.2.1"), 6379), (Pod("192.0.2.9"), 26379)):
        for cluster in (anywhere, somewhere):
            assert cluster.connects(GATEWAYS, redis, port)
            assert not cluster.connects(SERVERS, redis, port)
    assert anywhere.connects(GATEWAYS, OUTSIDE, 6379)
    assert not somewhere.connects(GATEWAYS, OUTSIDE, 6379)
    assert not anywhere.connects(GATEWAYS, OUTSIDE, 6379, "UDP")


def test_extra_egress_is_for_both_and_only_what_it_says() -> None:
    istio = {"to": [{"namespaceSelector": {"matchLabels": {"team": "mesh"}}}], "ports": [{"port": 15012}]}
    cluster = network({"networkPolicy": {"extraEgress": [istio]}})
    mesh = Pod("10.1.7.7", "istio-system", {}, {"team": "mesh"})
    for pod in (GATEWAYS, SERVERS):
        assert cluster.connects(pod, mesh, 15012)
        assert not cluster.connects(pod, mesh, 15013)
        assert not cluster.connects(pod, OUTSIDE, 15012)


def test_disabled_makes_no_policy_and_everybody_reaches_everybody() -> None:
    cluster = network({"networkPolicy": {"mode": "Disabled"}})
    assert cluster.policies == ()
    assert cluster.connects(OUTSIDE, SERVERS, PORT)


def test_a_suspended_service_stays_isolated() -> None:
    assert len(network({"suspend": True}).policies) == 2


CANARY = {"rollout": {"strategy": "Canary"}}
CANDIDATE = Pod("10.1.0.3", "papers", {**SERVERS.labels, COMPONENT_LABEL: MODEL_SERVER_B})
OPERATOR = Pod("10.1.8.8", "ocr-system", {"app.kubernetes.io/name": "ocr-operator"})


def test_a_candidate_is_as_closed_as_the_revision_that_serves() -> None:
    cluster = network(CANARY)
    assert cluster.connects(GATEWAYS, CANDIDATE, PORT)
    assert cluster.connects(PROMETHEUS, CANDIDATE, PORT)
    assert not any(cluster.connects(each, CANDIDATE, PORT) for each in (NEIGHBOUR, OUTSIDE, SERVERS))
    assert not cluster.connects(CANDIDATE, OUTSIDE, 443)


def test_the_operator_may_ask_gateways_of_a_canary_what_they_measure() -> None:
    narrow = {"networkPolicy": {"ingressFrom": [{"podSelector": {"matchLabels": {"app": "shop"}}}]}}
    assert network({**CANARY, **narrow}).connects(OPERATOR, GATEWAYS, PORT)
    assert not network({**CANARY, **narrow}).connects(OUTSIDE, GATEWAYS, PORT)
    assert not network(narrow).connects(OPERATOR, GATEWAYS, PORT)
